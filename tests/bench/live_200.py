"""live_200: how far behind are 200 consumers while the source writes 2 MB/s?"""

from bench_relay import BenchRelay
from rounds import Rounds
from tail_source import TailSource

CONSUMERS, RATE = 200, 4000  # about 500 bytes of log for each commit


def measure(question, options):
    source = TailSource()
    relay = BenchRelay(source.server).start()
    relay.caught_up_with(source.server)
    rounds = Rounds(question, "furthest behind", "us", 1)
    rounds.add("relay", source.probe(RATE, options.seconds * 2, [source.dump(relay) for _ in range(CONSUMERS)])["hop_max"])
    yield rounds.row()
    relay.stop()
    source.server.discard()
