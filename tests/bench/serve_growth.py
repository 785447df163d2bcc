"""serve_growth: does a GB cost the relay more CPU when there are more consumers, or a longer log?

Logs of a twentieth, a quarter and the whole of the largest, each served to 1, 4, 16 and 64 consumers that read at the same
time. At most 32 times the smallest log is served at once: where all consumers together would take more, they read as much
of the log's end. In place of the ceiling stands the smallest log with one consumer."""

from bare_loops import Dump, cpu_seconds, discard
from bench_relay import BenchRelay
from large_log import FILES, LargeLog
from rounds import Rounds

CONSUMERS = (1, 4, 16, 64)
PARTS = (20, 4, 1)  # of the largest log
LEAST_BYTES = 900_000_000
MOST, ROUNDS = 32, 2


class Stored:
    """A relay with a log of so many bytes, whose source is gone."""

    def __init__(self, size, files):
        log = LargeLog(size, files)
        self.bytes, self.names = log.bytes, log.names
        self.relay = BenchRelay(log.source, name=f"relay{files}").start()
        self.relay.caught_up_with(log.source, timeout=1200)
        log.discard()

    def first_of(self, bytes):
        """Where one begins who reads so many bytes, or less, to the end."""
        count = max(1, int(bytes / self.bytes * len(self.names)))
        return self.names[-count:][0]

    def cpu_of(self, consumers, bytes):
        """CPU seconds for each GB: so often that the clock's ticks do not show."""
        used = served = 0
        while served < LEAST_BYTES:
            dumps = [Dump(self.relay, self.first_of(bytes), user=self.relay.user, password=self.relay.password)
                     for _ in range(consumers)]
            before = cpu_seconds(self.relay.process)
            served += discard(dumps)["bytes"]
            used += cpu_seconds(self.relay.process) - before
        return used / (served / 1e9)


def measure(question, options):
    logs = [Stored(options.large_bytes // part, FILES // part) for part in PARTS]
    most = MOST * logs[0].bytes
    count = min(ROUNDS, options.rounds)
    points = {(log, consumers): Rounds(question, f"{log.bytes / 1e9:.3g} GB, {consumers} consumers", "CPU s/GB", count)
              for log in logs for consumers in CONSUMERS}
    for _ in range(count):
        smallest = None
        for (log, consumers), rounds in points.items():
            cost = log.cpu_of(consumers, most / consumers)
            smallest = smallest or cost
            rounds.add("relay", cost)
            rounds.add("ceiling", smallest)
    yield from (rounds.row() for rounds in points.values())
    for log in logs:
        log.relay.stop()
