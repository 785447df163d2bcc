"""filtered_1: how fast does a consumer get through a stored log of which the rules let out little or nothing?

Of W3's 100 tables one is monitored, of W2 none. The figure is of the log: bytes of its files that were read, decided on and
left behind, whatever was sent. Peer: mysqld, which sends everything. Ceiling: the loop that serves everything."""

from rounds import Rounds
from serve import Serving

RULES = [(1, "bench", "t050", 1, 1, 1)]


class Filtering(Serving):
    """The same three, and a consumer of the relay with a filtered view."""

    def _prepare(self, relay):
        relay.set_rules(RULES)
        self.filtered = relay.add_account("filtered", view="rules")

    def from_relay(self, clients):
        user, password = self.filtered
        return self._from(self.relay, clients, user=user, password=password)

    def _consumed(self, came, clients):
        return clients * self.log_bytes


def measure(question, options):
    for workload in options.workloads("W3", "W2"):
        filtering = Filtering(workload)
        yield Rounds(question, workload.name, "MB/s", options.rounds).run(
            relay=lambda: filtering.from_relay(1), peer=lambda: filtering.from_source(1), ceiling=lambda: filtering.from_loop(1))
        filtering.end()
