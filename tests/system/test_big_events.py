"""Events and transactions larger than the relay may keep in memory, and positions past 4 GiB."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from replication import follow, settle  # noqa: E402

from lab.machine import Unavailable  # noqa: E402

MIB = 1 << 20
GIB = 1 << 30
ALLOWED = 300 * MIB  # and one event


def _rows(source, each, count):
    """One transaction of `count` rows of `each` bytes."""
    with source.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS huge.bodies (id INT AUTO_INCREMENT PRIMARY KEY, body LONGBLOB)")
        cursor.execute("BEGIN")
        for number in range(count):
            cursor.execute("INSERT INTO huge.bodies (body) VALUES (REPEAT(%s, %s))", (f"{number:016}", each // 16))
        cursor.execute("COMMIT")


def _bounded(stage, source, replica, each, count):
    relay = stage.relay(source)
    follow(replica, relay, "gtid")
    source.sql("CREATE DATABASE huge")
    _rows(source, each, count)
    stage.say(f"a transaction of {count} rows of {each // MIB} MiB written")
    settle(stage, source, relay, replica)
    if not stage.direct:
        peak = relay.process.memory_bytes("VmHWM")
        stage.say(f"the relay's resident memory peaked at {peak // MIB} MiB")
        # An event is what arrives at once; the sanitizers' own memory is not the relay's.
        assert peak <= ALLOWED + each or relay.sanitized, f"{peak // MIB} MiB for events of {each // MIB} MiB"
    return relay


def mysql_big_event(stage):
    _bounded(stage, stage.mysql("source"), stage.mysql("replica"), 200 * MIB, 1)


def mysql_big_transaction(stage):
    _bounded(stage, stage.mysql("source"), stage.mysql("replica"), MIB, 500)


def mariadb_big_event(stage):
    _bounded(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb("replica", slave_max_allowed_packet="1G"),
             200 * MIB, 1)


def mysql_largest_event(stage):
    """Full only: an event of almost 1 GiB, the largest that max_allowed_packet lets through."""
    if not stage.full:
        raise Unavailable("takes minutes and 10 GB of memory: only with --full")
    _bounded(stage, stage.mysql("source"), stage.mysql("replica"), GIB - 16 * MIB, 1)


def mysql_largest_transaction(stage):
    """Full only: one transaction of 1 GiB."""
    if not stage.full:
        raise Unavailable("takes minutes: only with --full")
    _bounded(stage, stage.mysql("source"), stage.mysql("replica"), MIB, 1024)


def _resumed_past_4_gib(stage, source, replica):
    """The relay and the replica go on behind the file whose positions have passed 2^32."""
    if not stage.full:
        raise Unavailable("takes minutes and 20 GB of disk: only with --full")
    relay = _bounded(stage, source, replica, 16 * MIB, 270)
    assert any(file.stat().st_size > 1 << 32 for file in source.binlog_files()), "no file is past 4 GiB: this shows nothing"
    replica.stop_replica()
    _rows(source, 1000, 10)
    if not stage.direct:
        relay.restart()
    replica.resume_replica()
    _rows(source, 1000, 10)
    settle(stage, source, relay, replica)
    stage.say("the relay was restarted, and the replica stopped and resumed")


def mysql_past_4_gib(stage):
    """Full only: a file whose positions pass 2^32, and transactions behind it."""
    _resumed_past_4_gib(stage, stage.mysql("source"), stage.mysql("replica"))


def mariadb_past_4_gib(stage):
    """Full only: a file whose positions pass 2^32, and transactions behind it."""
    _resumed_past_4_gib(stage, stage.mariadb("source", binlog_format="ROW"),
                        stage.mariadb("replica", slave_max_allowed_packet="1G"))


scenario.main(mysql_big_event, mysql_big_transaction, mariadb_big_event, mysql_largest_event, mysql_largest_transaction,
              mysql_past_4_gib, mariadb_past_4_gib)
