"""A source whose log is as long as a busy server's of days, in 200 files, without the hours it would take to write it: a
beginning of W1 again and again, with GTIDs, times, names and places that go on (repeat_log.cc)."""

import json

from bare_loops import folder
from lab import machine
from workloads import Workload

FULL_LARGE_BYTES, QUICK_LARGE_BYTES = 20_000_000_000, 2_000_000_000
FILES = 200
PATTERN_BYTES = 100_000_000


class LargeLog:
    """The running source; `last`: its transactions are numbered from 1 to here; `begin`, `end`: their times, unix seconds."""

    def __init__(self, size, files=FILES):
        self.source = Workload("W1", PATTERN_BYTES).stopped_server()
        datadir = self.source.datadir
        pattern = self.source.dir / "pattern"
        (datadir / "binlog.000001").rename(pattern)
        made = machine.run([folder() / "repeat_log", pattern, size // files, files, datadir])
        pattern.unlink()
        self.names = [f"binlog.{number:06}" for number in range(1, files + 1)]
        (datadir / "binlog.index").write_text("".join(f"./{name}\n" for name in self.names))
        for name in (*self.names, "binlog.index"):
            machine.give_to_servers(datadir / name)
        said = json.loads(made.stdout)
        self.last, self.begin, self.end, self.bytes = (said[name] for name in ("last", "begin", "end", "bytes"))
        self.source.start()

    @property
    def shown(self):
        return f"{self.bytes / 1e9:.3g} GB in {len(self.names)} files"

    def discard(self):
        """Frees its room, too."""
        self.source.discard()
        machine.run(["rm", "-rf", self.source.dir])
