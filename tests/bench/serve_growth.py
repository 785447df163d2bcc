"""serve_growth: does a GB cost the relay more CPU when there are more consumers, or a longer log?

Logs of a twentieth, a quarter and the whole of the largest, each served to 1, 4, 16 and 64 consumers that read at the same
time. At most 32 times the smallest log is served at once: where all consumers together would take more, they read as much
of the log's end. Each log is read once before it counts, so that all come from the page cache. In place of the ceiling
stands the smallest log with one consumer."""

from bare_loops import Dump, cpu_seconds, discard
from bench_relay import BenchRelay
from lab import machine
from large_log import FILES, LargeLog
from rounds import Rounds

CONSUMERS = (1, 4, 16, 64)
PARTS = (20, 4, 1)  # of the largest log
LEAST_BYTES = 900_000_000
MOST, ROUNDS = 32, 3


class Stored:
    """A relay with a log of so many bytes, whose source is gone."""

    def __init__(self, size, files):
        log = LargeLog(size, files)
        self.bytes, self.names = log.bytes, log.names
        self.relay = BenchRelay(log.source, name=f"relay{files}").start()
        self.relay.caught_up_with(log.source, timeout=1200)
        log.discard()

    def _dump(self, bytes):
        """Of so many bytes at the log's end, or less."""
        count = max(1, int(bytes / self.bytes * len(self.names)))
        return Dump(self.relay, self.names[-count:][0], user=self.relay.user, password=self.relay.password)

    def warm_up(self):
        discard([self._dump(self.bytes)])

    def cpu_of(self, consumers, bytes):
        """CPU seconds for each GB: so often that the clock's ticks do not show."""
        used = served = 0
        while served < LEAST_BYTES:
            dumps = [self._dump(bytes) for _ in range(consumers)]
            before = cpu_seconds(self.relay.process)
            served += discard(dumps)["bytes"]
            used += cpu_seconds(self.relay.process) - before
        return used / (served / 1e9)

    def discard(self):
        """Frees its room, too."""
        self.relay.stop()
        machine.run(["rm", "-rf", self.relay.dir])


def measure(question, options):
    count = min(ROUNDS, options.rounds)
    smallest, most = [], None  # a figure for each round; bytes
    for part in PARTS:
        log = Stored(options.large_bytes // part, FILES // part)
        most = most or MOST * log.bytes
        log.warm_up()
        points = {consumers: Rounds(question, f"{log.bytes / 1e9:.3g} GB, {consumers} consumers", "CPU s/GB", count)
                  for consumers in CONSUMERS}
        for turn in range(count):
            for consumers, rounds in points.items():
                cost = log.cpu_of(consumers, most / consumers)
                if len(smallest) == turn:
                    smallest.append(cost)
                rounds.add("relay", cost)
                rounds.add("ceiling", smallest[turn])
        yield from (rounds.row() for rounds in points.values())
        log.discard()
