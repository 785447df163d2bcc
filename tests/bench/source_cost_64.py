"""source_cost_64: what do 64 consumers cost the source's commits, on it (peer) and behind the relay?

Ceiling: behind a bare forwarder. CPU is that of the relay and of the forwarder, in seconds for each second."""

import json

from bare_loops import BareDump, Loop, cpu_seconds
from bench_relay import BenchRelay
from lab import machine
from rounds import Rounds
from tail_source import Crowd, TailSource

CONSUMERS, RATE = 64, 2000


class Cost:
    def __init__(self):
        self.source = TailSource()
        self.relay = BenchRelay(self.source.server).start()

    def on_source(self, seconds):
        crowd = Crowd([self.source.dump() for _ in range(CONSUMERS)])
        said = self.source.probe(RATE, seconds, [])
        crowd.close()
        return said["commit_p50"], None

    def on_relay(self, seconds):
        self.relay.caught_up_with(self.source.server)
        crowd = Crowd([self.source.dump(self.relay) for _ in range(CONSUMERS)])
        before = cpu_seconds(self.relay.process)
        said = self.source.probe(RATE, seconds, [])
        cpu = cpu_seconds(self.relay.process) - before
        crowd.close()
        return said["commit_p50"], cpu / seconds

    def behind_forwarder(self, seconds):
        dump = self.source.dump()
        forwarder = Loop("hop_forwarder", dump.argument, machine.scratch("cost") / "log", "fsync", CONSUMERS, fds=[dump.fd])
        port = int(forwarder.line())
        crowd = Crowd([BareDump(port) for _ in range(CONSUMERS)])
        said = self.source.probe(RATE, seconds, [])
        cpu = json.loads(forwarder.end())["cpu_s"]
        crowd.close()
        dump.close()
        return said["commit_p50"], cpu / seconds


def measure(question, options):
    cost = Cost()
    row = Rounds(question, f"{RATE}/s commit p50", "us", options.timed_rounds).run(
        relay=lambda: cost.on_relay(options.seconds), peer=lambda: cost.on_source(options.seconds),
        ceiling=lambda: cost.behind_forwarder(options.seconds))
    row["cpu_s_per_s"] = row.pop("cpu_s_per_gb")
    yield row
    cost.relay.stop()
    cost.source.server.discard()
