"""Real replicas behind a filtered view: they run without an error, and their monitored tables equal the source's."""

import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "support"), str(pathlib.Path(__file__).resolve().parent)]

import compare  # noqa: E402
import scenario  # noqa: E402
from mixed_load import MixedLoad  # noqa: E402
from workload import Workload  # noqa: E402

ALL_BUT_NOISE = [(1, "noise", "*", 0, 0, 0)]


def _filtered_relay(stage, source):
    relay = stage.relay(source)
    relay.set_rules(ALL_BUT_NOISE, "all")
    relay.user, relay.password = relay.add_account("consumer", view="rules", statement_dml="pass")
    return relay.restart()


def _follow(replica, relay, mode):
    replica.start_replica(relay.host, relay.port, relay.user, relay.password, mode, file=relay.source.binlog_names()[0])


def _settle(stage, source, relay, replica):
    replica.wait_replica_caught_up(source)
    expected, found = source.checksum_tables(), replica.checksum_tables()
    monitored = {table for table in expected if not str(table).startswith("`noise`")}
    differing = {table: (expected[table], found.get(table)) for table in monitored if expected[table] != found.get(table)}
    assert not differing, f"{replica.name} differs (source, replica): {differing}"
    assert len(monitored) > 3, expected
    noise = sum(replica.value(f"SELECT COUNT(*) FROM noise.{name}") for name in ("log", "copy"))
    assert noise == 0, f"{noise} rows of tables that are not monitored"
    compare.same_gtids(source, replica)
    stage.say(f"{len(monitored)} monitored tables and all transactions equal, none of the others' rows arrived")


def _whole(stage, source, replica, mode, **load):
    relay = _filtered_relay(stage, source)
    _follow(replica, relay, mode)
    mixed = MixedLoad(source)
    mixed.run(300 if not stage.full else 5000, **load)
    stage.say("mixed transactions written")
    mixed.run(150, compress=True)
    Workload(source).run(sysbench_seconds=4 if not stage.full else 60, say=stage.say)
    mixed.run(50, **load)
    _settle(stage, source, relay, replica)


def mysql_filtered_by_gtid(stage):
    _whole(stage, stage.mysql("source"), stage.mysql("replica", replica_parallel_workers=8), "gtid", xa_every=20)


def mysql_filtered_by_file(stage):
    _whole(stage, stage.mysql("source"), stage.mysql("replica", replica_parallel_workers=8), "file", xa_every=20)


def mariadb_filtered_by_gtid(stage):
    _whole(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb("replica", slave_parallel_threads=4), "gtid")


def mariadb_filtered_by_file(stage):
    _whole(stage, stage.mariadb("source", binlog_format="ROW", log_bin_compress=1), stage.mariadb("replica"), "file")


scenario.main(mysql_filtered_by_gtid, mysql_filtered_by_file, mariadb_filtered_by_gtid, mariadb_filtered_by_file)
