"""A MySQL and a MariaDB stream in one relay process. One source is dead: the other stream does not notice."""

import pathlib
import socket
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from lab import machine  # noqa: E402
from replication import follow, settle  # noqa: E402
from workload import Workload  # noqa: E402


class BlackHole:
    """A source that takes connections and never says a word."""

    def __init__(self, flavour):
        self.name, self.flavour = "black hole", flavour
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._held = []
        threading.Thread(target=self._hold, daemon=True).start()

    def _hold(self):
        while True:
            self._held.append(self._listener.accept()[0])

    @staticmethod
    def add_replication_account(user, password=None):
        return user, password or "secret"


def _streams(relay):
    return {stream["name"]: stream for stream in relay.status()["streams"]}


def _works(stage, relay, source, replica):
    """The whole workload and two restarts of the process."""
    Workload(source).run(say=stage.say)
    for _ in range(2):
        relay.restart()
        Workload(source).small(100, "after_restart")
    settle(stage, source, relay, replica)


def mysql_beside_a_dead_mariadb(stage):
    """The MariaDB source is killed at the beginning; what was stored of it stays served."""
    stage.needs_relay()
    living, dead = stage.mysql("source"), stage.mariadb("dying", binlog_format="ROW")
    relay = stage.relay_of_two(living, dead)
    replica, late = stage.mysql("replica"), stage.mariadb("late")
    follow(replica, relay, "gtid")
    Workload(dead).small(100)
    relay.second.caught_up_with(dead)
    tables, first = dead.checksum_tables(), dead.binlog_names()[0]
    dead.kill()
    _works(stage, relay, living, replica)
    streams = _streams(relay)
    assert streams["main"]["source"]["state"] == "streaming" and streams["main"]["source"]["reconnects"] == 0, streams["main"]
    assert streams["second"]["source"]["state"] != "streaming" and streams["second"]["source"]["reconnects"] > 1
    late.start_replica(relay.host, relay.second.port, relay.second.user, relay.second.password, "file", file=first)
    machine.wait_until("the dead source's replica has everything", lambda: late.checksum_tables() == tables, 60)
    stage.say("the dead source's transactions are still served")


def mariadb_beside_a_silent_mysql(stage):
    """The MySQL source takes connections and says nothing, from before the start to the end."""
    stage.needs_relay()
    living = stage.mariadb("source", binlog_format="ROW")
    relay = stage.relay_of_two(living, BlackHole("mysql"), source_settings={"connect_timeout_ms": 1000})
    replica = stage.mariadb("replica")
    follow(replica, relay, "gtid")
    _works(stage, relay, living, replica)
    streams = _streams(relay)
    assert streams["main"]["source"]["reconnects"] == 0 and streams["main"]["ready"], streams["main"]
    assert not streams["second"]["ready"] and "not been reached" in streams["second"]["not_ready"], streams["second"]
    assert not machine.listens(relay.second.port), "a stream without an identity has nothing to say to replicas"


def mysql_beside_a_damaged_mariadb(stage):
    """A stored file of the MariaDB stream lacks its beginning, and its source is down: that stream waits for it."""
    stage.needs_relay()
    living, away = stage.mysql("source"), stage.mariadb("away", binlog_format="ROW")
    relay = stage.relay_of_two(living, away)
    for server in (living, away):
        Workload(server).small(50)
    relay.caught_up_with(living)
    relay.second.caught_up_with(away)
    away_file = away.binlog_names()[0]
    relay.stop()
    away.kill()
    damaged = relay.second.segment_files()[away_file]
    content = damaged.read_bytes()
    damaged.write_bytes(bytes(200) + content[200:])
    relay.start_again()
    closed = relay.status()["closed_streams"]
    assert [stream["name"] for stream in closed] == ["second"] and damaged.name in closed[0]["why"], closed
    status, _, reasons = relay.get("/readyz")
    assert status == 503 and "stream second: " in reasons, reasons
    assert 'binrelay_stream_ready{stream="second"} 0\n' in relay.get("/metrics")[2]
    assert not machine.listens(relay.second.port)
    Workload(living).small(50, "meanwhile")
    relay.caught_up_with(living)
    stage.say("the other stream goes on")
    away.start()
    machine.wait_until("the stream is opened", lambda: "second" in _streams(relay), 90)
    assert relay.status()["closed_streams"] == [], relay.status()
    assert damaged.read_bytes() == content
    Workload(away).small(50, "behind_it")
    relay.second.caught_up_with(away)


scenario.main(mysql_beside_a_dead_mariadb, mariadb_beside_a_silent_mysql, mysql_beside_a_damaged_mariadb)
