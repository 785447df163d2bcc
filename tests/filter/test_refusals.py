"""Nothing fails silently: what a filtered account is told when its view cannot be shown."""

import pathlib
import sys

import pymysql

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "support"), str(pathlib.Path(__file__).resolve().parent)]

import scenario  # noqa: E402
from dump_client import DumpClient  # noqa: E402
from lab.machine import wait_until  # noqa: E402

TABLE_MAP = 19
RULES = [(1, "shop", "*", 1, 1, 1)]


def _events(relay, source, user):
    def connect():
        return relay.connect(user=user)
    return list(DumpClient(connect, source.flavour == "mysql").from_file(source.binlog_names()[0], 4))


def _refused(relay, source, user, text):
    try:
        _events(relay, source, user)
    except pymysql.err.MySQLError as error:
        assert error.args[0] == 1236 and text in error.args[1], error
    else:
        raise AssertionError(f"'{user}' was not refused")


def _admitted(relay, source, user):
    try:
        return _events(relay, source, user)
    except pymysql.err.MySQLError as error:
        assert error.args[0] == 1236, error
        return None


def _statements(stage, source):
    """The rules are for an account with them; a change logged as a statement stops, passes or goes, as the account says."""
    relay = stage.relay(source)
    relay.add_account("without", view="rules")
    relay.restart()
    source.sql("CREATE DATABASE shop")
    source.sql("CREATE TABLE shop.t (id INT PRIMARY KEY, v DOUBLE)")
    relay.caught_up_with(source)
    _refused(relay, source, "without", "there are no filter rules")
    relay.set_rules(RULES)
    for user, dml in (("stops", "stop"), ("passes", "pass"), ("drops", "drop")):
        relay.add_account(user, view="rules", statement_dml=dml)
    relay.add_account("bounded", allow=["other.*"], statement_dml="drop")
    relay.restart()
    before = len(_events(relay, source, "stops"))
    with source.connect("shop") as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION binlog_format = 'STATEMENT'")
        cursor.execute("INSERT INTO t VALUES (1, RAND())")
    source.sql("INSERT INTO shop.t VALUES (2, 2)")
    relay.caught_up_with(source)
    _refused(relay, source, "stops", "a change logged as a statement")
    passed, dropped = (b"".join(_events(relay, source, user)) for user in ("passes", "drops"))
    text = b"INSERT INTO t VALUES (1, RAND())"
    assert text in passed and text not in dropped, "statement_dml"
    bounded = _events(relay, source, "bounded")
    assert not any(event[4] == TABLE_MAP or b"CREATE TABLE" in event for event in bounded), "what is not allowed came through"
    stage.say(f"{before} events before it; a statement stops, passes and goes")


def mysql_statements_refused(stage):
    _statements(stage, stage.mysql("source"))


def mariadb_mixed_refused(stage):
    source = stage.mariadb("source")  # MIXED is its default
    relay = stage.relay(source)
    relay.set_rules(RULES)
    relay.add_account("consumer", view="rules")
    relay.restart()
    source.sql("CREATE DATABASE shop")
    relay.caught_up_with(source)
    _refused(relay, source, "consumer", "the source logs in MIXED format")
    source.sql("SET GLOBAL binlog_format = 'ROW'")
    wait_until("the relay has seen it, without being started again", lambda: _admitted(relay, source, "consumer"), 30)
    stage.say("refused, and healed")


scenario.main(mysql_statements_refused, mariadb_mixed_refused)
