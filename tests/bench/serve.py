"""serve_1, serve_16: how fast is a stored log served to consumers that read as fast as they can?"""

from bare_loops import BareDump, Dump, Loop, cpu_seconds, discard
from bench_relay import BenchRelay
from rounds import Rounds


class Serving:
    """A source with a workload, a relay that has all of it, and the loop over the same files."""

    def __init__(self, workload, **options):
        self.workload = workload
        self.source = workload.server(**options)
        self.relay = BenchRelay(self.source)
        self._prepare(self.relay)
        self.relay.start()
        self.relay.caught_up_with(self.source, timeout=600)
        self.files = [path for name, path in sorted(self.relay.segment_files().items())]
        self.log_bytes = sum(path.stat().st_size for path in self.files)
        self.account = self.source.add_replication_account("bench")

    def _prepare(self, relay):
        """Before the relay starts."""

    def _consumed(self, came, clients):
        """Bytes that a figure is of."""
        return came["bytes"]

    def from_relay(self, clients):
        return self._from(self.relay, clients, user=self.relay.user, password=self.relay.password)

    def from_source(self, clients):
        return self._from(self.source, clients, user=self.account[0], password=self.account[1])

    def _from(self, end, clients, **account):
        dumps = [Dump(end, self.files[0].name, **account) for _ in range(clients)]
        before = cpu_seconds(end.process)
        came = discard(dumps)
        consumed = self._consumed(came, clients)
        return consumed / 1e6 / came["seconds"], (cpu_seconds(end.process) - before) / (consumed / 1e9)

    def from_loop(self, clients):
        loop = Loop("serve_ceiling", clients, *self.files)
        port = int(loop.line())
        came = discard([BareDump(port) for _ in range(clients)])
        consumed = self._consumed(came, clients)
        return consumed / 1e6 / came["seconds"], loop.result()["cpu_s"] / (consumed / 1e9)

    def end(self):
        self.relay.stop()
        self.source.discard()


def measure(question, options):
    clients = int(question.rpartition("_")[2])
    for workload in options.workloads("W1", "W2"):
        serving = Serving(workload)
        yield Rounds(question, workload.name, "MB/s", options.rounds).run(
            relay=lambda: serving.from_relay(clients), peer=lambda: serving.from_source(clients),
            ceiling=lambda: serving.from_loop(clients))
        serving.end()
