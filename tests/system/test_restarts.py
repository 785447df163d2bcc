"""Stops, crashes and restarts of relay and source while transactions flow."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from replication import follow, settle  # noqa: E402
from workload import Workload  # noqa: E402


def _while_writing(stage, source, replica, mode, disturb, rounds):
    """`disturb` interrupts a relay that a replica follows, again and again; at the end nothing is missing."""
    relay = stage.relay(source)
    follow(replica, relay, mode)
    work = Workload(source)
    work.sysbench_start(rounds * 3)
    for number in range(rounds):
        work.small(60)
        work.flush()
        disturb(relay, number)
        stage.say(f"interruption {number + 1}")
    work.big_rows()
    work.sysbench_finish()
    settle(stage, source, relay, replica)
    stage.say(f"{relay.name} ran to the end")


def _stop_and_start(relay, number):
    relay.restart()


def _kill_and_start(relay, number):
    relay.kill()
    relay.start()


def mysql_relay_restarted(stage):
    stage.needs_relay()
    _while_writing(stage, stage.mysql("source"), stage.mysql("replica"), "gtid", _stop_and_start, 4)


def mysql_relay_killed(stage):
    stage.needs_relay()
    _while_writing(stage, stage.mysql("source"), stage.mysql("replica"), "file", _kill_and_start, 20 if stage.full else 6)


def mariadb_relay_killed(stage):
    stage.needs_relay()
    _while_writing(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb("replica"), "gtid",
                   _kill_and_start, 20 if stage.full else 6)


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


scenario.main(mysql_relay_restarted, mysql_relay_killed, mariadb_relay_killed, mysql_source_restarted,
              mariadb_source_restarted, mariadb_118_source_restarted)
