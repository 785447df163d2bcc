"""semisync: what does a commit cost that waits until its only semi-synchronous replica has it?

The relay acknowledges what is on stable storage. Peer: a mysqld replica, which at its default acknowledges before, receives
and applies; in rows of their own one that only receives, one with sync_relay_log=1, the only one whose acknowledgement
promises what the relay's does, and none at all: commits that wait for nobody."""

from bench_relay import BenchRelay
from lab import MySql
from lab.machine import wait_until
from rounds import Rounds
from tail_source import TailSource

RATE = 2000
# A commit that waits so long has a replica that is stuck: the figures would not be of waiting, and are refused.
SOURCE_OPTIONS = {"plugin_load_add": "semisync_source.so", "rpl_semi_sync_source_timeout": 20_000}
REPLICA_OPTIONS = {"plugin_load_add": "semisync_replica.so", "rpl_semi_sync_replica_enabled": "ON"}


class SemiSyncSource(TailSource):
    """Its commits wait for a replica while one takes part."""

    def __init__(self):
        super().__init__(**SOURCE_OPTIONS)  # enabled only now: creating its tables waits for nobody
        self.server.sql("SET GLOBAL rpl_semi_sync_source_enabled = ON")

    def _status(self, name):
        return self.server.sql(f"SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_{name}'")[0][1]

    def commits_waiting(self, seconds):
        """Commits at the rate while exactly one replica takes part."""
        wait_until("one semi-synchronous replica", lambda: (self._status("clients"), self._status("status")) == ("1", "ON"), 60)
        unconfirmed = self._status("no_tx")
        said = self.probe(RATE, seconds, [])
        if self._status("no_tx") != unconfirmed:
            raise RuntimeError("commits did not wait for the replica")
        return said

    def commits_that_wait_for_nobody(self, seconds):
        self.server.sql("SET GLOBAL rpl_semi_sync_source_enabled = OFF")
        said = self.probe(RATE, seconds, [])
        self.server.sql("SET GLOBAL rpl_semi_sync_source_enabled = ON")
        return said

    def alone(self):
        wait_until("no semi-synchronous replica", lambda: self._status("clients") == "0", 60)


class Replica:
    """A mysqld that takes part when asked, from what the source has then on: one with sync_relay_log=1 would need longer
    to catch up with what was written without it than its turn takes."""

    def __init__(self, source, name, applies, **options):
        self._source, self._applies = source, applies
        self.server = MySql(name, **REPLICA_OPTIONS, **options).start()
        self.server.unlogged("CREATE DATABASE bench", *source.tables())

    def measured(self, seconds):
        server, source = self.server, self._source.server
        server.sql("RESET BINARY LOGS AND GTIDS")
        server.sql("SET GLOBAL gtid_purged = %s", source.gtid_executed())
        server.sql("CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=%s, SOURCE_USER=%s, "
                   "SOURCE_PASSWORD=%s, GET_SOURCE_PUBLIC_KEY=1, SOURCE_AUTO_POSITION=1", source.port, *self._source.account)
        server.sql("START REPLICA" if self._applies else "START REPLICA IO_THREAD")
        said = self._source.commits_waiting(seconds)
        server.sql("STOP REPLICA")
        server.sql("RESET REPLICA ALL")
        self._source.alone()
        return said


def _by_relay(source, relay, seconds):
    relay.start_again()
    relay.caught_up_with(source.server)
    said = source.commits_waiting(seconds)
    relay.stop()
    source.alone()
    return said


def measure(question, options):
    source = SemiSyncSource()
    relay = BenchRelay(source.server, source_settings={"semi_sync": True}).start()
    relay.stop()
    replicas = {"replica": Replica(source, "applies", True), "replica that only receives": Replica(source, "receives", False),
                "sync_relay_log=1": Replica(source, "syncs", True, sync_relay_log=1)}
    rows = {(replica, part): Rounds(question, f"{RATE}/s commit {part}, {replica}", "us", options.timed_rounds)
            for replica in (*replicas, "no replica") for part in ("p50", "p99")}
    for _ in range(options.timed_rounds):
        ours = _by_relay(source, relay, options.seconds)
        theirs = {name: replica.measured(options.seconds) for name, replica in replicas.items()}
        theirs["no replica"] = source.commits_that_wait_for_nobody(options.seconds)
        for (replica, part), rounds in rows.items():
            rounds.add("relay", ours[f"commit_{part}"])
            rounds.add("peer", theirs[replica][f"commit_{part}"])
    yield from (rounds.row() for rounds in rows.values())
    for server in (source, *replicas.values()):
        server.server.discard()
