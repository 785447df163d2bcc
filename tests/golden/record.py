#!/usr/bin/env python3
"""Records the samples of this folder from real servers: NAME.binlog, one closed binary log file, and NAME.events, what the server's
own SHOW BINLOG EVENTS says of it (Pos, Event_type, End_log_pos, Info; tab-separated, escaped as Python does).

    tests/golden/record.py [NAME …]

Of the samples of column types NAME.rows holds what the server answers when it is asked for the rows: a line a row, a value a
column, NULL as NULL; text and bytes in hex, TIMESTAMP in seconds since 1970, ENUM, SET and BIT as numbers.
"""

import contextlib
import os
import pathlib
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))

from lab import MariaDb, MySql  # noqa: E402

LARGEST = 20_000


@contextlib.contextmanager
def session(server, *settings):
    """A connection of its own, in database `d`; a function that runs statements."""
    connection = server.connect(local_infile=True)
    with connection, connection.cursor() as cursor:
        def run(*statements):
            for statement in statements:
                cursor.execute(statement)
        run("CREATE DATABASE IF NOT EXISTS d", "USE d", *settings)
        yield run


def gtids_of(server):
    """What it has executed, as it prints it; newlines as \\n."""
    variable = "gtid_executed" if server.flavour == "mysql" else "gtid_binlog_state"
    return server.value(f"SELECT @@global.{variable}").encode("unicode_escape").decode()


def record(server, name, scenario):
    """The file between two FLUSH BINARY LOGS."""
    server.sql("FLUSH BINARY LOGS")
    scenario(server)
    executed = gtids_of(server)
    path = server.binlog_files()[-1]
    server.sql("FLUSH BINARY LOGS")
    content = path.read_bytes()
    assert len(content) <= LARGEST, f"{name}: {len(content)} bytes"
    (HERE / f"{name}.binlog").write_bytes(content)
    lines = [f"# {server.flavour} {server.version}", f"# executed {executed}"]
    for row in server.sql(f"SHOW BINLOG EVENTS IN '{path.name}'"):
        info = row[5].encode("unicode_escape").decode()
        lines.append(f"{row[1]}\t{row[2]}\t{row[4]}\t{info}")
    (HERE / f"{name}.events").write_text("\n".join(lines) + "\n")
    if hasattr(scenario, "rows"):
        (HERE / f"{name}.rows").write_text("\n".join(scenario.rows) + "\n")
    print(f"{name}: {len(content)} bytes, {len(lines) - 2} events")


def transactions(server):
    """What a group can look like, in row format."""
    with session(server) as run:
        run("CREATE TABLE t (id INT PRIMARY KEY, text VARCHAR(100), document JSON)",
            "CREATE TABLE m (id INT PRIMARY KEY) ENGINE=MyISAM",
            "INSERT INTO t VALUES (1, 'one', '{\"a\": 1}'), (2, 'two', NULL)",
            "BEGIN", "UPDATE t SET text = 'uno' WHERE id = 1", "SAVEPOINT here", "DELETE FROM t WHERE id = 2",
            "ROLLBACK TO here", "INSERT INTO t VALUES (3, 'three', NULL)", "COMMIT",
            "INSERT INTO m VALUES (1), (2)",
            "CREATE TABLE copy AS SELECT id, text FROM t",
            "CREATE TEMPORARY TABLE scratch (id INT)", "INSERT INTO scratch VALUES (1)",
            "INSERT INTO copy SELECT id + 10, 'scratch' FROM scratch", "DROP TEMPORARY TABLE scratch",
            "ALTER TABLE t ADD COLUMN more INT", "TRUNCATE TABLE copy", "DROP TABLE copy")


def mixed_engines(server):
    """Groups that MySQL refuses while GTIDs are on."""
    with session(server) as run:
        run("CREATE TABLE kept (id INT PRIMARY KEY, text VARCHAR(20))",
            "CREATE TABLE loose (id INT PRIMARY KEY) ENGINE=MyISAM",
            "INSERT INTO kept VALUES (1, 'one')", "INSERT INTO loose VALUES (1)",
            "BEGIN", "INSERT INTO kept VALUES (4, 'four')", "INSERT INTO loose VALUES (3)", "ROLLBACK",
            "UPDATE kept, loose SET kept.text = 'both', loose.id = loose.id + 100 WHERE kept.id = loose.id")


def xa(server):
    with session(server) as run:
        run("CREATE TABLE IF NOT EXISTS x (id INT PRIMARY KEY)",
            "XA START 'kept'", "INSERT INTO x VALUES (1)", "XA END 'kept'", "XA PREPARE 'kept'", "XA COMMIT 'kept'",
            "XA START 'undone', 'branch', 7", "INSERT INTO x VALUES (2)", "XA END 'undone', 'branch', 7",
            "XA PREPARE 'undone', 'branch', 7", "XA ROLLBACK 'undone', 'branch', 7",
            "XA START 'short'", "INSERT INTO x VALUES (3)", "XA END 'short'", "XA COMMIT 'short' ONE PHASE")


def statements(server):
    """Statement format: events that prepare the QUERY after them."""
    with session(server, "SET SESSION binlog_format = STATEMENT") as run:
        run("CREATE TABLE s (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(100), number DOUBLE)",
            "CREATE TABLE n (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(100)) ENGINE=MyISAM",
            "INSERT INTO s (text) VALUES ('auto increment')",
            "INSERT INTO s (text, number) VALUES (LAST_INSERT_ID(), RAND())",
            "SET @name = 'a variable', @nothing = NULL",
            "INSERT INTO s (text) VALUES (@name), (@nothing)",
            "INSERT INTO n (text) VALUES (@name)",
            "BEGIN", "INSERT INTO s (text) VALUES ('undone')", "INSERT INTO n (text) VALUES ('stays')", "ROLLBACK",
            "BEGIN", "INSERT INTO s (text) VALUES ('one')", "SAVEPOINT here", "INSERT INTO n (text) VALUES ('stays')",
            "ROLLBACK TO here", "INSERT INTO s (text) VALUES ('two')", "COMMIT")
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            pathlib.Path("rows.txt").write_text("100\ta\t1\n101\tb\t2\n")
            run("LOAD DATA LOCAL INFILE 'rows.txt' INTO TABLE s")
            run("LOAD DATA LOCAL INFILE 'rows.txt' INTO TABLE n")
        run("DROP TABLE s, n")


def mariadb_domains(server):
    with session(server) as run:
        run("CREATE TABLE g (id INT PRIMARY KEY)", "SET gtid_domain_id = 5", "INSERT INTO g VALUES (1)",
            "SET server_id = 77", "INSERT INTO g VALUES (2)", "SET gtid_domain_id = 0", "INSERT INTO g VALUES (3)",
            "SET gtid_seq_no = 1000", "INSERT INTO g VALUES (4)")


def mariadb_two_phase_alter(server):
    with session(server, "SET SESSION binlog_alter_two_phase = ON") as run:
        run("CREATE TABLE a (id INT PRIMARY KEY)", "ALTER TABLE a ADD COLUMN b INT, ALGORITHM=COPY")


def mariadb_compressed(server):
    server.sql("SET GLOBAL log_bin_compress = ON")
    server.sql("SET GLOBAL log_bin_compress_min_len = 10")
    with session(server) as run:
        run("CREATE TABLE c (id INT PRIMARY KEY, text VARCHAR(200)) /* a comment that is worth compressing, compressing, compressing */",
            "CREATE TABLE cm (id INT PRIMARY KEY) ENGINE=MyISAM",
            "BEGIN", "INSERT INTO c VALUES (1, REPEAT('a', 150)), (2, REPEAT('b', 150))", f"SAVEPOINT {'x' * 60}",
            "UPDATE c SET text = REPEAT('c', 150)", f"ROLLBACK TO {'x' * 60}", "DELETE FROM c", "COMMIT",
            "INSERT INTO cm VALUES (1), (2), (3), (4)",
            "BEGIN", "INSERT INTO c VALUES (3, 'd')", "INSERT INTO cm VALUES (5)", "ROLLBACK")
    xa(server)
    with session(server, "SET SESSION binlog_format = STATEMENT") as run:
        run("INSERT INTO c VALUES (10, 'a statement, a statement, a statement, a statement')",
            "BEGIN", "INSERT INTO c VALUES (11, 'again a statement, a statement, a statement')",
            "INSERT INTO cm VALUES (10 + 0 + 0 + 0 + 0 + 0 + 0 + 0 + 0)", "ROLLBACK")
    server.sql("SET GLOBAL log_bin_compress = OFF")


def mariadb_group_commit(server):
    """Two groups that commit together share a commit id."""
    with session(server) as run:
        run("CREATE TABLE together (id INT PRIMARY KEY)")
    server.sql("SET GLOBAL binlog_commit_wait_count = 2")
    server.sql("SET GLOBAL binlog_commit_wait_usec = 5000000")

    def insert(number):
        with session(server) as run:
            run(f"INSERT INTO together VALUES ({number})")
    threads = [threading.Thread(target=insert, args=[number]) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.sql("SET GLOBAL binlog_commit_wait_count = 0")


def flush(server):
    server.sql("FLUSH BINARY LOGS")


def mysql_tags(server):
    with session(server) as run:
        run("CREATE TABLE tagged (id INT PRIMARY KEY)",
            "SET gtid_next = 'AUTOMATIC:backfill'", "INSERT INTO tagged VALUES (1)", "INSERT INTO tagged VALUES (2)",
            "SET gtid_next = 'AUTOMATIC:a_tag_of_thirty_two_characters'", "INSERT INTO tagged VALUES (3)",
            "SET gtid_next = 'AUTOMATIC'", "INSERT INTO tagged VALUES (4)")
        for gtid in ("00000000-0000-4000-8000-00000000000a:7", "ffffffff-0000-4000-8000-00000000000a:zz:5",
                     "ffffffff-0000-4000-8000-00000000000a:yy:9000000000000000000"):
            run(f"SET gtid_next = '{gtid}'", "BEGIN", "COMMIT")


COLUMN_TYPES = [
    "TINYINT", "TINYINT UNSIGNED", "SMALLINT", "SMALLINT UNSIGNED", "MEDIUMINT", "MEDIUMINT UNSIGNED", "INT",
    "INT UNSIGNED", "BIGINT", "BIGINT UNSIGNED", "FLOAT", "DOUBLE", "DECIMAL(14,4)", "DECIMAL(65,30)", "DECIMAL(3)",
    "DECIMAL(2,2)", "DECIMAL(20,0) UNSIGNED", "BIT(1)", "BIT(10)", "BIT(64)", "YEAR", "DATE", "TIME", "TIME(1)", "TIME(3)",
    "TIME(6)", "DATETIME", "DATETIME(2)", "DATETIME(6)", "TIMESTAMP NULL", "TIMESTAMP(3) NULL", "CHAR(10)",
    "CHAR(200) CHARACTER SET utf8mb4", "VARCHAR(50)", "VARCHAR(1000) CHARACTER SET utf8mb4", "BINARY(5)", "VARBINARY(300)",
    "TINYBLOB", "TEXT", "MEDIUMTEXT", "LONGBLOB", "ENUM('a','b','c')", "SET('x','y','z')", "POINT"]
HIGHEST = [
    127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615, 1.5, -0.25,
    "1234567890.1234", "12345678901234567890123456789012345.000000000000000000000000000001", 999, "0.99",
    "18446744073709551616", 1, 1023, 18446744073709551615, 2155, "9999-12-31", "838:59:59", "12:34:56.7", "-01:02:03.004",
    "-00:00:00.000001", "9999-12-31 23:59:59", "2026-11-22 01:02:03.45", "1000-01-01 00:00:00.000001", "2026-11-22 01:02:03",
    "2026-11-22 01:02:03.456", "ten bytes!", "\u4e2d\u6587" * 90, "it's", "\U0001f600" * 100, "\0\1\2\3\4", "b" * 300, "tiny",
    "text", "medium", "long", "c", "x,z", (1, -2)]
LOWEST = [
    -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, -1.5, 1e300, "-0.0001",
    "-99999999999999999999999999999999999.999999999999999999999999999999", -999, "-0.05", 0, 0, 512, 1, 1901, "1000-01-01",
    "-838:59:59", "-12:34:56.7", "00:00:00.000", "838:59:58.999999", "1000-01-01 00:00:00", "1000-01-01 00:00:00.00",
    "9999-12-31 23:59:59.999999", "1970-01-01 12:00:01", "1970-01-01 12:00:01.001", "", "", "", "", "", "", "", "", "", "", "a", "",
    (0, 0)]


def column_types(*more):
    """Rows of every type; `more` are (type, highest, lowest)."""
    types = COLUMN_TYPES + [kind for kind, _, _ in more]
    numbers = [f"c{number}" for number in range(len(types))]

    def shown(name, kind):
        word = kind.split("(")[0].split()[0]
        if word in ("CHAR", "VARCHAR", "BINARY", "VARBINARY", "POINT", "VECTOR") or word.endswith(("BLOB", "TEXT")):
            return f"HEX({name})"
        if word == "TIMESTAMP":
            return f"UNIX_TIMESTAMP({name})"
        return f"CAST({name} AS UNSIGNED)" if word in ("BIT", "ENUM", "SET", "YEAR") else f"CAST({name} AS CHAR)"

    def scenario(server):
        quietly = [] if server.flavour == "mysql" else ["SET binlog_annotate_row_events = OFF"]
        with session(server, "SET time_zone = '+00:00'", "SET sql_mode = ''", *quietly) as run:
            columns = ", ".join(f"{name} {kind}" for name, kind in zip(numbers, types))
            run(f"CREATE TABLE types (id INT PRIMARY KEY, {columns})", "INSERT INTO types (id) VALUES (1)")
            for number, values in ((2, HIGHEST + [high for _, high, _ in more]), (3, LOWEST + [low for _, _, low in more])):
                written = [_literal(value, kind) for value, kind in zip(values, types)]
                run(f"INSERT INTO types VALUES ({number}, {', '.join(written)})")
        with server.connect("d") as connection, connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00'")
            expressions = ", ".join(shown(name, kind) for name, kind in zip(numbers, types))
            cursor.execute(f"SELECT {expressions} FROM types ORDER BY id")
            scenario.rows = ["\t".join("NULL" if value is None else str(value) for value in row) for row in cursor.fetchall()]
    return scenario


def _literal(value, kind):
    if isinstance(value, tuple):
        return f"ST_GeomFromText('POINT({value[0]} {value[1]})')"
    if kind.startswith("VECTOR"):
        return f"STRING_TO_VECTOR('{value}')"
    return "'" + value.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0") + "'" if isinstance(value, str) else str(value)


def mysql_payloads(server):
    with session(server, "SET SESSION binlog_transaction_compression = ON") as run:
        run("CREATE TABLE z (id INT PRIMARY KEY, text VARCHAR(1000))", "INSERT INTO z VALUES (1, REPEAT('z', 1000))",
            "BEGIN", "INSERT INTO z VALUES (2, REPEAT('y', 1000))", "UPDATE z SET text = REPEAT('w', 999)", "COMMIT")


def mysql_rows_extra(server):
    """Partial JSON, the query of the rows, minimal images."""
    with session(server, "SET SESSION binlog_row_value_options = PARTIAL_JSON",
                 "SET SESSION binlog_rows_query_log_events = ON") as run:
        run("CREATE TABLE j (id INT PRIMARY KEY, document JSON)",
            "INSERT INTO j VALUES (1, JSON_OBJECT('a', 1, 'b', REPEAT('b', 200)))",
            "UPDATE j SET document = JSON_SET(document, '$.a', 2)")


def in_turn(*scenarios):
    def all_of_them(server):
        for scenario in scenarios:
            scenario(server)
    return all_of_them


SAMPLES = {
    "mariadb-10.11-row": (lambda: MariaDb(series="10.11", binlog_format="ROW", binlog_annotate_row_events="ON"),
                          in_turn(transactions, mixed_engines, xa, mariadb_domains, mariadb_two_phase_alter)),
    "mariadb-10.11-statement": (lambda: MariaDb(series="10.11", local_infile="ON"), statements),
    "mariadb-10.11-compressed": (lambda: MariaDb(series="10.11", binlog_format="ROW"), mariadb_compressed),
    "mariadb-10.11-no-checksum": (lambda: MariaDb(series="10.11", binlog_checksum="NONE", binlog_format="ROW"), xa),
    "mariadb-10.11-group-commit": (lambda: MariaDb(series="10.11", binlog_format="ROW"),
                                   in_turn(mariadb_domains, flush, mariadb_group_commit)),
    "mariadb-11.8-row": (lambda: MariaDb(series="11.8", binlog_format="ROW"), in_turn(transactions, mixed_engines, xa, mariadb_domains)),
    "mariadb-11.8-statement": (lambda: MariaDb(series="11.8", local_infile="ON"), statements),
    "mariadb-10.11-types": (lambda: MariaDb(series="10.11", binlog_format="ROW"),
                            column_types(("VARCHAR(500) COMPRESSED", "packed " * 50, ""), ("BLOB COMPRESSED", "short", "packed " * 50))),
    "mariadb-11.8-types": (lambda: MariaDb(series="11.8", binlog_format="ROW", log_bin_compress="ON"), column_types()),
    "mysql-9.7-types": (MySql, column_types(("VECTOR(3)", "[1,2.5,-3]", "[0,0,0]"))),
    "mysql-9.7-row": (MySql, in_turn(transactions, xa, mysql_rows_extra)),
    "mysql-9.7-anonymous": (lambda: MySql(gtid=False), in_turn(transactions, mixed_engines)),
    "mysql-9.7-tagged": (MySql, mysql_tags),
    "mysql-9.7-after-tagged": (MySql, in_turn(mysql_tags, flush, xa)),
    "mysql-9.7-payload": (MySql, mysql_payloads),
    "mysql-9.7-statement": (lambda: MySql(gtid=False, local_infile="ON", binlog_checksum="NONE"), statements),
}


def main():
    for name in sys.argv[1:] or SAMPLES:
        make, scenario = SAMPLES[name]
        server = make().start()
        try:
            record(server, name, scenario)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
