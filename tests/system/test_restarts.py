"""Stops of the relay, and stops and crashes of the source, one at a time; test_interruptions.py has them all at once."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
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


scenario.main(mysql_relay_restarted, mysql_source_restarted, mariadb_source_restarted, mariadb_118_source_restarted)
