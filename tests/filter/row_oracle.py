"""What a filter should let out, computed from what mysqlbinlog says of the source's own files: no part of the relay is asked."""

import re

GTID = re.compile(r"SET @@SESSION\.GTID_NEXT= ?'([^']+)'|^#.*\bGTID (\d+-\d+-\d+)\b")
ROW = re.compile(r"### (INSERT INTO|UPDATE|DELETE FROM) `([^`]+)`\.`([^`]+)`")
OPERATIONS = {"INSERT INTO": 0, "UPDATE": 1, "DELETE FROM": 2}


def rows_of(text):
    """[(gtid, operation, database, table, values)] of a decoded binary log, in order."""
    found, gtid, values = [], None, None
    for line in text.splitlines():
        named = GTID.search(line)
        if named:
            gtid = named.group(1) or named.group(2)
        row = ROW.match(line)
        if row:
            values = []
            found.append((gtid, OPERATIONS[row.group(1)], row.group(2), row.group(3), values))
        elif line.startswith("### ") and values is not None:
            values.append(re.sub(r" /\*.*", "", line))
        elif not line.startswith("###"):
            values = None
    return [(*row, tuple(values)) for *row, values in found]


def monitored(rows, rules):
    """`rules`: {(database, table): (insert, update, delete)}"""
    return [row for row in rows if rules.get((row[2], row[3]), (0, 0, 0))[row[1]]]


def gtids_of(text):
    return [named.group(1) or named.group(2) for named in map(GTID.search, text.splitlines()) if named]


def decode(server, *arguments):
    """What the server's own mysqlbinlog prints."""
    mysql = server.flavour == "mysql"
    program = "mysqlbinlog" if mysql else "mariadb-binlog"
    done = server.run_client(program, "--no-defaults", "-vv", "--base64-output=decode-rows", "--verify-binlog-checksum", *arguments)
    return done.stdout if isinstance(done.stdout, str) else done.stdout.decode("utf-8", "replace")


def decode_source(source):
    return "".join(decode(source, source.inside(path)) for path in source.binlog_files())
