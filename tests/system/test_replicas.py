"""Five replicas at once: from the start, late, from the middle, stopped and resumed, crashed and restarted."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from replication import follow, settle  # noqa: E402
from workload import Workload  # noqa: E402


def _five(stage, make, middle_state):
    source = make("source")
    relay = stage.relay(source)
    work = Workload(source)
    from_start, resumed, crashed = make("from_start"), make("resumed"), make("crashed")
    for replica, mode in ((from_start, "gtid"), (resumed, "file"), (crashed, "gtid")):
        follow(replica, relay, mode)
    work.run(sysbench_seconds=3)
    stage.say("first half written")
    resumed.stop_replica()

    source.stop()  # a copy of its data is the state in the middle
    middle = make("middle", copy_of=source)
    source.start()
    middle_state(middle, source)
    follow(middle, relay, "gtid")
    stage.say("the replica from the middle joined")

    work.sysbench_start(4)
    work.small(300)
    crashed.kill()
    late = make("late")
    follow(late, relay, "file")
    crashed.start()
    crashed.resume_replica()
    resumed.resume_replica()
    work.small(300)
    work.sysbench_finish()
    stage.say("second half written")
    settle(stage, source, relay, from_start, resumed, crashed, middle, late)


def mysql_five_replicas(stage):
    stage.needs_full("mariadb_five_replicas")

    def make(name, copy_of=None):
        return stage.mysql(name, copy_of=copy_of)
    _five(stage, make, lambda middle, source: None)  # gtid_executed came with the data


def mariadb_five_replicas(stage):
    def make(name, copy_of=None):
        return stage.mariadb(name, copy_of=copy_of, binlog_format="ROW")

    def middle_state(middle, source):
        middle.sql(f"SET GLOBAL gtid_slave_pos = '{middle.gtid_executed()}'")
    _five(stage, make, middle_state)


scenario.main(mysql_five_replicas, mariadb_five_replicas)
