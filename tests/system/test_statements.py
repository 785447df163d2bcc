"""Statements that a client can compare between a source and its relay."""

import pathlib
import sys

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from workload import Workload  # noqa: E402

SAME_VALUE = ("VERSION()", "@@version", "@@server_uuid", "@@log_bin", "@@binlog_format", "@@binlog_row_image",
              "@@binlog_checksum", "@@lower_case_table_names", "@@global.gtid_mode", "@@gtid_executed",
              "@@global.gtid_executed", "@@global.gtid_binlog_pos", "@@global.gtid_domain_id", "@@global.binlog_row_metadata")
ER_UNKNOWN_SYSTEM_VARIABLE = 1193


def _try(end, statement):
    """The rows as text, or the error's number."""
    with end.connect() as connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement)
            return [tuple(None if value is None else str(value) for value in row) for row in cursor.fetchall()]
        except pymysql.err.MySQLError as error:
            return error.args[0]


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
    stage.say(f"{compared} answers equal")
    if stage.direct:
        return
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
