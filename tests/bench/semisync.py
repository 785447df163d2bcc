"""semisync: what does a commit cost that waits until its only semi-synchronous replica has it?

The relay acknowledges what is on stable storage. Peer: a mysqld replica at its default, which acknowledges before.
Ceiling column: a mysqld replica with sync_relay_log=1, the only one whose acknowledgement promises what the relay's does.
"""

import itertools

from lab import MySql, Relay
from lab.machine import wait_until
from rounds import Rounds
from tail_source import TailSource

RATE = 2000
SOURCE_OPTIONS = {"plugin_load_add": "semisync_source.so", "rpl_semi_sync_source_enabled": "ON",
                  "rpl_semi_sync_source_timeout": 60_000}
REPLICA_OPTIONS = {"plugin_load_add": "semisync_replica.so", "rpl_semi_sync_replica_enabled": "ON"}


def _wait_for_clients(source, count):
    def clients():
        rows = source.server.sql("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_source_clients'")
        return int(rows[0][1]) == count
    wait_until(f"{count} semi-synchronous replicas", clients, 60)


class Waiting:
    def __init__(self):
        self._relays = itertools.count()
        self.source = TailSource(**SOURCE_OPTIONS)

    def for_relay(self, seconds):
        relay = Relay(self.source.server, name=f"relay{next(self._relays)}", source_settings={"semi_sync": True}).start()
        relay.caught_up_with(self.source.server)
        _wait_for_clients(self.source, 1)
        said = self.source.probe(RATE, seconds, [])
        relay.stop()
        _wait_for_clients(self.source, 0)
        return said

    def for_replica(self, seconds, **options):
        replica = MySql("replica", **REPLICA_OPTIONS, **options).start()
        replica.start_replica("127.0.0.1", self.source.server.port, *self.source.account)
        _wait_for_clients(self.source, 1)
        said = self.source.probe(RATE, seconds, [])
        replica.discard()
        _wait_for_clients(self.source, 0)
        return said


def measure(question, options):
    waiting = Waiting()
    p50 = Rounds(question, f"{RATE}/s commit p50", "us", options.rounds)
    p99 = Rounds(question, f"{RATE}/s commit p99", "us", options.rounds)
    for _ in range(options.rounds):
        for who, said in (("relay", waiting.for_relay(options.seconds)), ("peer", waiting.for_replica(options.seconds)),
                          ("ceiling", waiting.for_replica(options.seconds, sync_relay_log=1))):
            p50.add(who, said["commit_p50"])
            p99.add(who, said["commit_p99"])
    yield from (p50.row(), p99.row())
    waiting.source.server.discard()
