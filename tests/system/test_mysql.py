"""MySQL 9.7 -> relay -> MySQL 9.7 with default replica settings."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from replication import follow, settle, whole_workload  # noqa: E402
from workload import Workload  # noqa: E402


def mysql_by_gtid(stage):
    whole_workload(stage, stage.mysql("source"), lambda: stage.mysql("replica"), "gtid")


def mysql_by_file(stage):
    whole_workload(stage, stage.mysql("source"), lambda: stage.mysql("replica"), "file")


def mysql_without_gtids(stage):
    whole_workload(stage, stage.mysql("source", gtid=False), lambda: stage.mysql("replica", gtid=False), "file")


def mysql_history_first(stage):
    """The relay starts when the source already has a past; the replica when the relay has it."""
    source = stage.mysql("source")
    Workload(source).run(sysbench_seconds=4, say=stage.say)
    relay = stage.relay(source)
    relay.caught_up_with(source)
    replica = stage.mysql("replica")
    follow(replica, relay, "gtid")
    Workload(source).small(100, "live")
    settle(stage, source, relay, replica)


scenario.main(mysql_by_gtid, mysql_by_file, mysql_without_gtids, mysql_history_first)
