"""hop_write, hop_fsync: how long after the source has acknowledged a commit does a consumer have its event?

Peer: the source itself, no hop. Ceiling: a bare forwarder that writes (and syncs), then forwards. Beside others: the
relay against itself without them, and against the forwarder that has as many."""

from bare_loops import BareDump, Loop
from bench_relay import BenchRelay
from lab import machine
from rounds import Rounds
from tail_source import Crowd, TailSource

RATES = (200, 2000)
OTHERS = 50


class Hop:
    def __init__(self, durable):
        self.durable = durable
        self.source = TailSource()
        self.relay = BenchRelay(self.source.server, stream={"serve_after": "fsync" if durable else "write"}).start()
        self.relay.caught_up_with(self.source.server)

    def by_source(self, rate, seconds):
        return self.source.probe(rate, seconds, [self.source.dump()])

    def by_relay(self, rate, seconds):
        self.relay.caught_up_with(self.source.server)
        return self.source.probe(rate, seconds, [self.source.dump(self.relay)])

    def by_relay_in_a_crowd(self, rate, seconds):
        self.relay.caught_up_with(self.source.server)
        crowd = Crowd([self.source.dump(self.relay) for _ in range(OTHERS)])
        said = self.by_relay(rate, seconds)
        crowd.close()
        return said

    def by_forwarder(self, rate, seconds, others=0):
        dump = self.source.dump()
        stored = machine.scratch("hop") / "log"
        forwarder = Loop("hop_forwarder", dump.argument, stored, "fsync" if self.durable else "write", 1 + others,
                         fds=[dump.fd])
        port = int(forwarder.line())
        crowd = Crowd([BareDump(port) for _ in range(others)]) if others else None
        said = self.source.probe(rate, seconds, [BareDump(port)])
        if crowd:
            crowd.close()
        forwarder.end()
        dump.close()
        return said

    def end(self):
        self.relay.stop()
        self.source.server.discard()


def measure(question, options):
    hop = Hop(durable=question == "hop_fsync")
    for rate in RATES:
        p50 = Rounds(question, f"{rate}/s p50", "us", options.timed_rounds)
        p99 = Rounds(question, f"{rate}/s p99", "us", options.timed_rounds)
        crowd = Rounds(question, f"{rate}/s p99 beside {OTHERS} others", "us", options.timed_rounds)
        crowds = Rounds(question, f"{rate}/s p99, both beside {OTHERS} others", "us", options.timed_rounds)
        for _ in range(options.timed_rounds):
            alone = hop.by_relay(rate, options.seconds)
            for who, said in (("relay", alone), ("peer", hop.by_source(rate, options.seconds)),
                              ("ceiling", hop.by_forwarder(rate, options.seconds))):
                p50.add(who, said["hop_p50"])
                p99.add(who, said["hop_p99"])
            beside = hop.by_relay_in_a_crowd(rate, options.seconds)["hop_p99"]
            crowd.add("relay", beside)
            crowd.add("ceiling", alone["hop_p99"])  # here: itself, without the others
            crowds.add("relay", beside)
            crowds.add("ceiling", hop.by_forwarder(rate, options.seconds, OTHERS)["hop_p99"])
        yield from (p50.row(), p99.row(), crowd.row(), crowds.row())
    hop.end()
