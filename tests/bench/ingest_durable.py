"""ingest_durable: how fast does a log get from the source to stable storage, ready to be served?

Peer: mysqld's IO thread writing its relay log. Ceiling: for small transactions a client that discards everything, for
large ones the bare loop with a sync every 16 MiB."""

import datetime
import itertools
import time

from bare_loops import Dump, Loop, cpu_seconds, discard
from bench_relay import BenchRelay
from lab import MySql, machine
from lab.machine import wait_until
from rounds import Rounds
from workloads import binlog_bytes

POLL_SECONDS = 0.01


def _began_to_read(relay):
    """When it asked the source for the log, as its own log says: it is under way already when a start is over."""
    line = next(line for line in relay.log.read_text().splitlines() if "reading from" in line)
    return datetime.datetime.fromisoformat(line.split()[0]).timestamp()


class Ingest:
    def __init__(self, workload):
        self.workload = workload
        self.source = workload.server()
        self.bytes = binlog_bytes(self.source)
        self.end_position = self.source.binlog_position()
        self.first = self.source.binlog_names()[0]
        self._relays = itertools.count()
        self.account = self.source.add_replication_account("bench")

    def _begun(self):
        """A relay that has just begun to receive, and the CPU seconds of its start, which costs the same whatever there
        is to store (keys are made): the source holds still until that is over."""
        relay = BenchRelay(self.source, name=f"relay{next(self._relays)}")  # an account of its own at the source
        relay.write_config()
        self.source.freeze()
        try:
            relay.start_again(wait=False)
            wait_until("the relay asks for its source",
                       lambda: relay.log.exists() and "begins to listen" in relay.log.read_text(), 60, POLL_SECONDS)
            before = cpu_seconds(relay.process)
        finally:
            self.source.thaw()
        wait_until("the relay listens", lambda: machine.listens(relay.port), 60, POLL_SECONDS)
        return relay, before

    def _claim_memory(self):
        """As much of it as the log takes. A virtual machine gives back to its host what has been free for some seconds,
        and whoever writes first then pays for getting it again: twice what storing the log costs."""
        scratch, piece = machine.scratch("claim") / "file", bytes(1 << 20)
        with open(scratch, "wb") as file:
            for _ in range(0, self.bytes, len(piece)):
                file.write(piece)
        scratch.unlink()

    def by_relay(self):
        self._claim_memory()
        relay, before = self._begun()
        with relay.connect() as connection, connection.cursor() as cursor:
            def there():
                cursor.execute("SHOW BINARY LOG STATUS")
                row = cursor.fetchone()
                return row and (row[0], int(row[1])) >= self.end_position
            wait_until("the relay has everything", there, 900, POLL_SECONDS)
        seconds = time.time() - _began_to_read(relay)
        cpu = cpu_seconds(relay.process) - before
        relay.stop()
        machine.run(["rm", "-rf", relay.dir])
        return self._figure(seconds, cpu)

    def by_replica(self):
        self._claim_memory()
        replica = MySql("replica").start()
        replica.sql("CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=%s, SOURCE_USER=%s, "
                    "SOURCE_PASSWORD=%s, GET_SOURCE_PUBLIC_KEY=1, SOURCE_AUTO_POSITION=1", self.source.port, *self.account)
        before, began = cpu_seconds(replica.process), time.monotonic()
        replica.sql("START REPLICA IO_THREAD")

        def there():
            status = replica.replica_status()
            return (status["Source_Log_File"], int(status["Read_Source_Log_Pos"])) >= self.end_position
        wait_until("the replica has everything", there, 900, POLL_SECONDS)
        seconds = time.monotonic() - began
        cpu = cpu_seconds(replica.process) - before
        replica.discard()
        machine.run(["rm", "-rf", replica.dir])
        return self._figure(seconds, cpu)

    def by_loop(self):
        self._claim_memory()
        dump = Dump(self.source, self.first, user=self.account[0], password=self.account[1])
        if self.workload.name == "W1":
            came = discard([dump])
            return self._figure(came["seconds"], came["cpu_s"])
        stored = machine.scratch("ingest") / "log"
        loop = Loop("ingest_ceiling", dump.argument, stored, "sync", fds=[dump.fd])
        loop.go()
        came = loop.result()
        dump.close()
        stored.unlink()
        return self._figure(came["seconds"], came["cpu_s"])

    def _figure(self, seconds, cpu):
        return self.bytes / 1e6 / seconds, cpu / (self.bytes / 1e9)


def measure(question, options):
    for workload in options.workloads("W1", "W2"):
        ingest = Ingest(workload)
        yield Rounds(question, workload.name, "MB/s", options.rounds).run(
            relay=ingest.by_relay, peer=ingest.by_replica, ceiling=ingest.by_loop)
        ingest.source.discard()
