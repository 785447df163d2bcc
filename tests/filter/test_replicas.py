"""Real replicas behind a filtered view: they run without an error, and their monitored tables equal the source's."""

import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "support"), str(pathlib.Path(__file__).resolve().parent)]

import compare  # noqa: E402
import scenario  # noqa: E402
from lab.machine import wait_until  # noqa: E402
from mixed_load import MixedLoad  # noqa: E402
from proxy import Proxy  # noqa: E402
from workload import Workload  # noqa: E402

ALL_BUT_NOISE = [(1, "noise", "*", 0, 0, 0)]
_SAID_BEFORE_EVENTS = 10_000  # bytes: more than a replica is sent before its first event
_EVENTS_OF_LONG_TRANSACTION = 20_000  # bytes: fewer than it is sent of one


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


def _cut_in_transactions(stage, source, replica, mode, **more):
    """The connection is cut again and again while transactions of many events are on their way, heartbeats every 0.1 s.

    Cuts while a replica says its first statements are session_lost_unnoticed of tests/system/test_interruptions.py.
    """
    relay = _filtered_relay(stage, source)
    to_relay = stage.enter(Proxy("proxy to the relay", relay.port))
    replica.start_replica(relay.host, to_relay.port, relay.user, relay.password, mode, file=source.binlog_names()[0], **more)
    mixed = MixedLoad(source)
    mixed.run(40)
    replica.wait_replica_caught_up(source)
    cuts = 20
    for number in range(cuts):
        # The first bytes would be those of a replica that says who it is.
        to_relay.cut_after(_SAID_BEFORE_EVENTS + (number * 7919) % _EVENTS_OF_LONG_TRANSACTION)
        _long_transaction(source, number)
        wait_until("the connection is cut", lambda: not to_relay.cut_is_due, 60, 0.01)
    mixed.run(40, compress=True)
    _settle(stage, source, relay, replica)
    assert to_relay.connections == cuts + 1, to_relay.log_tail()
    stage.say(f"{cuts} cuts, {to_relay.connections} connections")


def _long_transaction(source, number):
    with source.connect("shop") as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        for row in range(40):
            key = 1_000_000 + number * 100 + row
            cursor.execute(f"INSERT INTO orders VALUES ({key}, 1, '{'l' * 180}')")
            cursor.execute(f"INSERT INTO noise.copy VALUES ({key}, {row})")
        cursor.execute(f"UPDATE orders o JOIN noise.copy c ON o.id = c.id SET o.t = REPEAT('z', 150), c.v = 5 WHERE o.id >= {1_000_000}")
        cursor.execute("COMMIT")


def mysql_filtered_cut_by_file(stage):
    _cut_in_transactions(stage, stage.mysql("source", binlog_row_event_max_size=512),
                         stage.mysql("replica", replica_parallel_workers=8), "file", SOURCE_HEARTBEAT_PERIOD=0.1,
                         SOURCE_CONNECT_RETRY=1)


def mysql_filtered_cut_by_gtid(stage):
    _cut_in_transactions(stage, stage.mysql("source", binlog_row_event_max_size=512),
                         stage.mysql("replica", replica_parallel_workers=8), "gtid", SOURCE_HEARTBEAT_PERIOD=0.1,
                         SOURCE_CONNECT_RETRY=1)


def mysql_filtered_by_gtid(stage):
    _whole(stage, stage.mysql("source"), stage.mysql("replica", replica_parallel_workers=8), "gtid", xa_every=20)


def mysql_filtered_by_file(stage):
    _whole(stage, stage.mysql("source"), stage.mysql("replica", replica_parallel_workers=8), "file", xa_every=20)


def mariadb_filtered_by_gtid(stage):
    _whole(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb("replica", slave_parallel_threads=4), "gtid")


def mariadb_filtered_by_file(stage):
    _whole(stage, stage.mariadb("source", binlog_format="ROW", log_bin_compress=1), stage.mariadb("replica"), "file")


scenario.main(mysql_filtered_by_gtid, mysql_filtered_by_file, mariadb_filtered_by_gtid, mariadb_filtered_by_file,
              mysql_filtered_cut_by_file, mysql_filtered_cut_by_gtid)
