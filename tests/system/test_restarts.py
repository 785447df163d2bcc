"""Stops of the relay, stops and crashes of the source, damage on the way, one at a time; test_interruptions.py has them
all at once."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from lab.machine import wait_until  # noqa: E402
from proxy import Proxy  # noqa: E402
from replication import follow, settle  # noqa: E402
from workload import Workload  # noqa: E402


def mysql_relay_restarted(stage):
    stage.needs_relay()
    source, replica = stage.mysql("source"), stage.mysql("replica")
    relay = stage.relay(source)
    follow(replica, relay, "gtid")
    work = Workload(source)
    work.sysbench_start(12)
    for number in range(4):
        work.small(60)
        work.flush()
        relay.restart()
        stage.say(f"restart {number + 1}")
    work.big_rows()
    work.sysbench_finish()
    settle(stage, source, relay, replica)
    stage.say(f"{relay.name} ran to the end")


def _source_goes_away(stage, source, replica):
    relay = stage.relay(source)
    follow(replica, relay, "gtid")
    work = Workload(source)
    for go_away in (source.stop, source.kill, source.stop, source.kill):
        work.small(100)
        source.sql("FLUSH BINARY LOGS")
        work.small(100)
        go_away()
        source.start()
        stage.say(f"the source came back after {go_away.__name__}")
    work.small(100)
    settle(stage, source, relay, replica)


def mysql_source_restarted(stage):
    _source_goes_away(stage, stage.mysql("source"), stage.mysql("replica"))


def mariadb_source_restarted(stage):
    _source_goes_away(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb("replica"))


def mariadb_118_source_restarted(stage):
    _source_goes_away(stage, stage.mariadb("source", series="11.8", binlog_format="ROW"),
                      stage.mariadb("replica", series="11.8"))


def _damaged_on_its_way(stage, source, replica):
    """A bad event is never stored; the log names its place, and it is fetched again."""
    stage.needs_relay()
    to_source = stage.enter(Proxy("proxy", source.port))
    relay = stage.relay(source, source_settings={"port": to_source.port, "tls": "disabled"})
    follow(replica, relay, "gtid")
    work = Workload(source)
    work.small(5)
    source.sql("CREATE DATABASE damaged")
    source.sql("CREATE TABLE damaged.words (word VARCHAR(60))")
    for number in range(2):
        relay.caught_up_with(source)
        word = f"damaged on its way {number}"
        to_source.damage(word.encode())
        source.sql("INSERT INTO damaged.words VALUES (%s)", word)
        work.small(5)
        wait_until("a word was damaged", lambda: to_source.damaged == number + 1, 60)
        file = source.binlog_names()[-1]
        begin = next(begin for begin, *_, end in source.binlog_events(file)
                     if word.encode() in _bytes_of(source, file, begin, end))
        line = wait_until("the log names the event", lambda: next(
            (line for line in relay.log.read_text().splitlines() if "a damaged event, not stored" in line
             and f" {file}:{begin}: " in line), None), 60)
        stage.say(line)
        settle(stage, source, relay, replica)
        counted = re.search(r"^binrelay_source_bad_events_total\{.*\} (\d+)$", relay.get("/metrics")[2], re.MULTILINE)
        assert counted and int(counted[1]) == number + 1, f"{counted} of {number + 1} damaged events are counted"
        source.sql("FLUSH BINARY LOGS")


def _bytes_of(source, file, begin, end):
    with open(source.datadir / file, "rb") as content:
        content.seek(begin)
        return content.read(end - begin)


def mysql_damaged_on_its_way(stage):
    _damaged_on_its_way(stage, stage.mysql("source"), stage.mysql("replica"))


def mariadb_damaged_on_its_way(stage):
    _damaged_on_its_way(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb("replica"))


def _temporary_tables(stage, source, replica):
    """A replica that loses its connection goes on with the temporary tables it has."""
    relay = stage.relay(source)
    follow(replica, relay, "gtid")
    source.sql("CREATE DATABASE work CHARACTER SET utf8mb4")
    source.sql("CREATE TABLE work.kept (a INT PRIMARY KEY)")
    with source.connect(database="work") as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION binlog_format = 'STATEMENT'")
        cursor.execute("CREATE TEMPORARY TABLE passing (a INT)")
        for number in range(3):
            cursor.execute(f"INSERT INTO passing VALUES ({number})")
            replica.wait_replica_caught_up(source)
            dumps = [row[0] for row in relay.sql("SHOW PROCESSLIST") if row[4].startswith("Binlog Dump")]
            assert dumps, "nobody dumps"
            for dump in dumps:
                relay.sql(f"KILL {dump}")
            stage.say(f"{len(dumps)} dump(s) killed")
            if number == 1:
                source.sql("FLUSH BINARY LOGS")
            cursor.execute(f"INSERT INTO kept SELECT a FROM passing WHERE a = {number}")
        settle(stage, source, relay, replica)


def mysql_temporary_tables(stage):
    _temporary_tables(stage, stage.mysql("source"), stage.mysql("replica"))


def mariadb_1011_temporary_tables(stage):
    _temporary_tables(stage, stage.mariadb("source", series="10.11", binlog_format="MIXED"),
                      stage.mariadb("replica", series="10.11"))


def mariadb_118_temporary_tables(stage):
    _temporary_tables(stage, stage.mariadb("source", series="11.8", binlog_format="MIXED"),
                      stage.mariadb("replica", series="11.8"))


scenario.main(mysql_relay_restarted, mysql_source_restarted, mariadb_source_restarted, mariadb_118_source_restarted,
              mysql_damaged_on_its_way, mariadb_damaged_on_its_way,
              mysql_temporary_tables, mariadb_1011_temporary_tables, mariadb_118_temporary_tables)
