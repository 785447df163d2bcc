"""Statements that a client can compare between a source and its relay."""

import pathlib
import re
import struct
import sys

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from workload import Workload  # noqa: E402

SAME_VALUE = ("VERSION()", "@@version", "@@server_uuid", "@@log_bin", "@@binlog_format", "@@binlog_row_image",
              "@@binlog_checksum", "@@lower_case_table_names", "@@global.gtid_mode", "@@gtid_executed",
              "@@global.gtid_executed", "@@global.gtid_binlog_pos", "@@global.gtid_domain_id", "@@global.binlog_row_metadata")
ER_UNKNOWN_SYSTEM_VARIABLE = 1193
COM_STATISTICS, COM_REGISTER_SLAVE = 0x09, 0x15
REPLICA_ID = 4711
# What mysqld_exporter asks of InnoDB: a relay has those tables, and nothing in them.
OF_PAGES = ("SELECT page_size, compress_ops, compress_ops_ok, compress_time, uncompress_ops, uncompress_time "
            "FROM information_schema.innodb_cmp", "SELECT Page_Size, pages_used AS u FROM INFORMATION_SCHEMA.INNODB_CMPMEM",
            "SELECT * FROM information_schema.innodb_cmp", "SELECT * FROM information_schema.innodb_cmpmem")


def _try(end, statement):
    """The rows as text, or the error's number."""
    with end.connect() as connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement)
            return [tuple(None if value is None else str(value) for value in row) for row in cursor.fetchall()]
        except pymysql.err.MySQLError as error:
            return error.args[0]


def _rows_or_error(end, statement, **login):
    """All of a result set, or all of the error."""
    with end.connect(**login) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement)
            return [column[0] for column in cursor.description or ()], list(cursor.fetchall())
        except pymysql.err.MySQLError as error:
            return error.args


def _events_shown(end, statement):
    shown = _rows_or_error(end, statement)
    if not isinstance(shown[0], list):
        return shown
    # MySQL tells of a DDL's internal number, which is of no use outside of it; the ends are compared elsewhere.
    return [(*row[:4], re.sub(r" /\* xid=\d+ \*/$", "", row[5]) if row[2] == "Query" else row[5]) for row in shown[1]]


def _same_events_shown(source, relay):
    """What SHOW BINLOG EVENTS says of each event, and from where it begins to say it; how many answers."""
    names = source.binlog_names()
    statements = [f"SHOW BINLOG EVENTS IN '{name}'" for name in names] + ["SHOW BINLOG EVENTS IN 'nofile'"]
    places = [0, 4, source.binlog_events(names[0])[1][0], source.binlog_files()[0].stat().st_size]
    # MySQL looks for the next event and has other words for each place where there is none.
    places += [] if source.flavour == "mysql" else [5, places[-2] + 1, places[-1] - 1, places[-1] + 1]
    statements += [f"SHOW BINLOG EVENTS IN '{names[0]}' FROM {place} LIMIT 3" for place in places]
    behind = source.binlog_files()[-1].stat().st_size + 1
    statements += [] if source.flavour == "mysql" else [f"SHOW BINLOG EVENTS IN '{names[-1]}' FROM {behind}"]
    for statement in statements:
        expected, found = _events_shown(source, statement), _events_shown(relay, statement)
        differing = [pair for pair in zip(found, expected) if pair[0] != pair[1]]
        assert not differing and len(found) == len(expected), \
            f"{statement}: {len(found)} at the relay, {len(expected)} at the source, (relay, source) {differing[:3]}"
    return len(statements)


def _same_connections(source, relay):
    """What there is to say of connections: whoever registers, SHOW PROCESSLIST, KILL, COM_STATISTICS."""
    held = {}
    for end in (source, relay):
        held[end] = end.connect()
        strings = b"".join(bytes([len(text)]) + text for text in (b"reported.host", b"", b""))
        held[end]._execute_command(COM_REGISTER_SLAVE, struct.pack("<I", REPLICA_ID) + strings + struct.pack("<HII", 3307, 0, 0))
        held[end]._read_ok_packet()

    def replicas(end):
        columns, rows = _rows_or_error(end, "SHOW REPLICAS" if source.flavour == "mysql" else "SHOW SLAVE HOSTS")
        return columns, [row for row in rows if row[0] == REPLICA_ID]

    def processes(end):
        columns, rows = _rows_or_error(end, "SHOW PROCESSLIST")
        # At the source the relay's own connections ask, too.
        return columns, [(row[3:5], row[7:]) for row in rows if row[4] == "Query" and "SHOW PROCESSLIST" in str(row[7])]

    def statistics(end):
        with end.connect() as connection:
            connection._execute_command(COM_STATISTICS, b"")
            return re.sub(r"[\d.]+", "N", connection._read_packet().get_all_data().decode())

    def kills(end):
        """Of another account's connection, of one that is none, of a connection of one's own."""
        login = dict(zip(("user", "password"), (other if end is source else relay_other)))
        mine = end.connect(**login)
        answers = [_rows_or_error(end, f"KILL {kind}{number}", **login)
                   for kind, number in (("", held[end].thread_id()), ("QUERY ", held[end].thread_id()), ("", 999999),
                                        ("QUERY ", mine.thread_id()), ("", mine.thread_id()))]
        held[end].ping(reconnect=False)
        return [(answer[0], re.sub(r"\d+", "N", str(answer[1]))) for answer in answers]

    other, relay_other = source.add_replication_account("other"), ("other", relay.accounts["other"][0])
    for ask in (replicas, processes, statistics, kills):
        expected, found = ask(source), ask(relay)
        assert found == expected, f"{ask.__name__}: {found} instead of {expected}"
    assert len(replicas(relay)[1]) == 1 and kills(relay)[0][0] == 1095
    return 4


def _same_columns_of_pages(source, relay):
    """For accounts with PROCESS, and the same error for others; how many answers."""
    login = dict(zip(("user", "password"), source.add_replication_account("plain")))
    source.sql(f"CREATE USER watcher@'127.0.0.1' IDENTIFIED BY '{login['password']}'")
    source.sql("GRANT PROCESS ON *.* TO watcher@'127.0.0.1'")
    watchers = ({"user": "watcher", "password": login["password"]}, {"user": "watcher", "password": relay.accounts["watcher"][0]})
    for statement in OF_PAGES:
        answers = []
        for end, watcher in zip((source, relay), watchers):
            with end.connect(**watcher) as connection, connection.cursor() as cursor:
                cursor.execute(statement)
                answers.append([column[:2] for column in cursor.description])
                assert bool(cursor.fetchall()) == (end is source), statement
        assert answers[0] == answers[1], f"{statement}: {answers[1]} instead of {answers[0]}"
        expected, found = _rows_or_error(source, statement, **login), _rows_or_error(relay, statement)
        assert found == expected and isinstance(found[0], int), f"{statement}: {found} instead of {expected}"
    return 2 * len(OF_PAGES)


def _same_statements(stage, source):
    relay = stage.relay(source)
    work = Workload(source)
    work.small(50)
    work.flush()
    work.checksum_changes()
    source.fence()
    relay.caught_up_with(source)
    compared = 0
    for value in SAME_VALUE:
        statement = f"SELECT {value}"
        assert _try(relay, statement) == _try(source, statement), \
            f"{statement}: {_try(relay, statement)} instead of {_try(source, statement)}"
        compared += 1
    expected, found = _try(source, "SHOW BINARY LOGS"), _try(relay, "SHOW BINARY LOGS")
    assert [row[:2] for row in found] == [row[:2] for row in expected], f"{found} instead of {expected}"
    expected = source.binlog_position()
    for status in ("SHOW MASTER STATUS", "SHOW BINARY LOG STATUS", "SHOW BINLOG STATUS"):
        if stage.direct and status != source.binlog_status:
            continue
        rows = _try(relay, status)
        assert rows[0][:2] == (expected[0], str(expected[1])), f"{status}: {rows}"
    for name in source.binlog_names():
        expected, found = source.binlog_events(name), relay.binlog_events(name)
        assert len(found) == len(expected), f"SHOW BINLOG EVENTS IN {name}: {len(found)} events instead of {len(expected)}"
        # MariaDB 11.8 shows 0 as the end of events that carry no position; the relay knows the end of each.
        ends = [start for start, *_ in expected[1:]] + [expected[-1][3]]
        expected = [(start, kind, server_id, shown or end) for (start, kind, server_id, shown), end in zip(expected, ends)]
        differing = [pair for pair in zip(found, expected) if pair[0] != pair[1]]
        assert not differing, f"SHOW BINLOG EVENTS IN {name}: (relay, source) {differing[:3]}"
        compared += len(expected)
    assert _try(relay, "SELECT @@global.no_such_variable") == ER_UNKNOWN_SYSTEM_VARIABLE
    compared += _same_events_shown(source, relay)
    stage.say(f"{compared} answers equal")
    if stage.direct:
        return
    relay.add_account("other")
    relay.add_account("watcher", privileges=["PROCESS"])
    relay.restart()
    stage.say(f"{_same_columns_of_pages(source, relay)} answers about pages equal")
    stage.say(f"{_same_connections(source, relay)} kinds of answers about connections equal")
    with relay.connect() as connection, connection.cursor() as cursor:  # what is refused leaves the connection usable
        for statement in ("CREATE TABLE a (b INT)", "nonsense", "SET GLOBAL binlog_format = 'ROW'", "select $$", "RESET MASTER"):
            try:
                cursor.execute(statement)
                raise AssertionError(f"the relay accepted {statement}")
            except pymysql.err.MySQLError:
                cursor.execute("SELECT 1")
                assert int(cursor.fetchone()[0]) == 1


def mysql_statements(stage):
    _same_statements(stage, stage.mysql("source"))


def mariadb_1011_statements(stage):
    _same_statements(stage, stage.mariadb("source", series="10.11", binlog_format="ROW"))


def mariadb_118_statements(stage):
    _same_statements(stage, stage.mariadb("source", series="11.8", binlog_format="MIXED"))


scenario.main(mysql_statements, mariadb_1011_statements, mariadb_118_statements)
