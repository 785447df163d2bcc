"""filtered_8: what do eight consumers with the same rules cost at the tail, while the source writes, and what does one?

One of 100 tables that are written in turn is monitored. The figure is the relay's CPU, reception included; in place of the
ceiling stands its own with one consumer."""

from bare_loops import cpu_seconds
from bench_relay import BenchRelay
from rounds import Rounds
from tail_source import Crowd, TailSource

CONSUMERS, RATE, TABLES = 8, 2000, 100
RULES = [(1, "bench", "hop50", 1, 1, 1)]


class Filtering:
    def __init__(self):
        self.source = TailSource(TABLES)
        self.relay = BenchRelay(self.source.server)
        self.relay.set_rules(RULES)
        self.account = self.relay.add_account("filtered", view="rules")
        self.relay.start()

    def cost_of(self, consumers, seconds):
        """CPU time of the relay in ms for each second that the source writes."""
        self.relay.caught_up_with(self.source.server)
        crowd = Crowd([self.source.dump(self.relay, self.account) for _ in range(consumers)])
        before = cpu_seconds(self.relay.process)
        self.source.probe(RATE, seconds, [])
        cpu = cpu_seconds(self.relay.process) - before
        crowd.close()
        return 1000 * cpu / seconds, None

    def end(self):
        self.relay.stop()
        self.source.server.discard()


def measure(question, options):
    filtering = Filtering()
    yield Rounds(question, f"{RATE}/s, {CONSUMERS} consumers to 1", "ms/s", options.timed_rounds).run(
        relay=lambda: filtering.cost_of(CONSUMERS, options.seconds), ceiling=lambda: filtering.cost_of(1, options.seconds))
    filtering.end()
