"""Accounts with old_consumer: compressed transactions arrive as the events inside, for whoever cannot read payloads."""

import pathlib
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import compare  # noqa: E402
import scenario  # noqa: E402
from dump_client import HEARTBEAT_V2, HEARTBEATS, NON_BLOCKING, DumpClient, log_pos_of  # noqa: E402
from workload import Workload  # noqa: E402

from lab import machine  # noqa: E402

PAYLOAD, GTID = 40, 33
TABLES = ("CREATE TABLE shop.packed (id INT PRIMARY KEY, t VARCHAR(300), n INT)",
          "CREATE TABLE shop.plain (id INT PRIMARY KEY, t VARCHAR(300), n INT)")


def _write(source, rounds):
    """Transactions with and without compression, of several statements each; one of several MiB."""
    with source.connect("shop") as connection, connection.cursor() as cursor:
        def transaction(*statements):
            for statement in ("BEGIN", *statements, "COMMIT"):
                cursor.execute(statement)
        first = 1 + source.value("SELECT COALESCE(MAX(id), 0) FROM shop.packed")
        for number in range(first, first + rounds):
            cursor.execute(f"SET SESSION binlog_transaction_compression = {number % 3 != 0:d}")
            transaction(*[f"INSERT INTO {table} VALUES ({number}, REPEAT('{table} ', 40), 0)" for table in ("packed", "plain")],
                        f"UPDATE packed p JOIN plain q USING (id) SET p.n = p.n + 1, q.n = q.n + 1 WHERE id > {number - 20}",
                        f"DELETE FROM plain WHERE id = {number - 10}")
        cursor.execute("SET SESSION binlog_transaction_compression = 1")
        transaction(*[f"INSERT INTO packed SELECT {first + rounds + 1000 * k} + n.help_topic_id, REPEAT('large ', 40), 1 "
                      "FROM mysql.help_topic n" for k in range(10)])


def _rows_and_gtids(server, name, host, port, user, password):
    """What MySQL's own mysqlbinlog reads of a file: rows, statements and GTIDs, in order."""
    login = ["--read-from-remote-server", f"--host={host}", f"--port={port}", "--protocol=tcp", f"--user={user}",
             f"--password={password}", "--get-server-public-key"]
    done = machine.run(["/usr/bin/mysqlbinlog", "--no-defaults", "--base64-output=decode-rows", "-v", *login, name],
                       chroot=server.root)
    text = done.stdout.decode(errors="replace")
    return [line for line in text.splitlines() if line.startswith(("###", "SET @@SESSION.GTID_NEXT", "BEGIN", "COMMIT", "create"))]


def _is_unpacked(relay, source, events, where):
    kinds = [event[4] for event in events]
    assert PAYLOAD not in kinds, f"{where}: a payload came through"
    before = 0
    for event in events:
        assert int.from_bytes(event[9:13], "little") == len(event)
        assert zlib.crc32(event[:-4]) == int.from_bytes(event[-4:], "little"), f"{where}: a checksum is wrong"
        assert log_pos_of(event) >= before or log_pos_of(event) < 300, f"{where}: places go backwards"
        before = log_pos_of(event)
    return kinds


def mysql_old_consumer(stage):
    stage.needs_relay()
    source = stage.mysql("source", binlog_row_event_max_size=1024)
    relay = stage.relay(source)
    old = relay.add_account("old", old_consumer=True)
    relay.restart()
    source.sql("CREATE DATABASE shop")
    for table in TABLES:
        source.sql(table)
    by_gtid, by_file = (stage.mysql(name, replica_parallel_workers=4) for name in ("by_gtid", "by_file"))
    first = source.binlog_names()[0]
    for replica, mode in ((by_gtid, "gtid"), (by_file, "file")):
        replica.start_replica(relay.host, relay.port, *old, mode, file=first, SOURCE_HEARTBEAT_PERIOD=0.1)
    _write(source, 60)
    for replica in (by_gtid, by_file):
        replica.wait_replica_caught_up(source)
    by_file.stop_replica()
    by_file.resume_replica()
    source.sql("FLUSH BINARY LOGS")
    _write(source, 30)
    Workload(source).small(50)
    for replica in (by_gtid, by_file):
        replica.wait_replica_caught_up(source)
        compare.same_tables(source, replica)
    stage.say("replicas behind old_consumer, by GTID and by file, equal the source")

    relay.caught_up_with(source)
    reader = source.add_replication_account("reader")
    for name in source.binlog_names():
        direct = _rows_and_gtids(source, name, "127.0.0.1", source.port, *reader)
        relayed = _rows_and_gtids(source, name, relay.host, relay.port, *old)
        assert direct == relayed and len(direct) > 100, f"{name}: {len(direct)} lines of the source, {len(relayed)} of the relay"
    stage.say("mysqlbinlog reads the same rows of it as of the source")

    def connect():
        return relay.connect(*old)
    own = [event[4] for event in DumpClient(relay.connect, True).from_file(first, 4)]
    assert PAYLOAD in own, "nothing was compressed"
    events = list(DumpClient(connect, True).from_file(first, 4))
    _is_unpacked(relay, source, events, first)
    _resume_inside(relay, connect, first, events)
    executed = source.gtid_executed()
    beats = [event for event in DumpClient(connect, True).from_gtids(executed, NON_BLOCKING | HEARTBEAT_V2).everything()
             if event[4] in HEARTBEATS]
    assert beats and {event[4] for event in beats} == {HEARTBEATS[0]}, "heartbeats are of version 1"
    stage.say(f"{len(events)} events as a file would have them, heartbeats of version 1")


def _resume_inside(relay, connect, name, events):
    """A consumer that keeps the place of every event and comes back with it misses nothing of a transaction."""
    pieces = [(i, log_pos_of(event)) for i, event in enumerate(events[:-1])
              if event[4] in (30, 31, 32) and log_pos_of(event) == log_pos_of(events[i - 1])][:200:20]
    assert pieces, "no transaction was unpacked"
    for at, place in pieces:
        again = list(DumpClient(connect, True).from_file(name, place))
        begin = next(i for i, event in enumerate(events) if log_pos_of(event) == place) + 1
        assert again[:50] == events[begin:begin + 50] and begin <= at, f"from {place}: not what stood there"


scenario.main(mysql_old_consumer)
