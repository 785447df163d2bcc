"""seek_20gb: how long does it take to find a place in a large log?

By GTID: from the dump command to the first transaction in the consumer's hands; peer: mysqld. By time: `binrelay events
--from TIME --limit 1` from its start to its end. And how large is the index that makes them find it?"""

import datetime
import json
import random
import statistics
import struct
import time

from bare_loops import dump_behind
from bench_relay import BenchRelay
from large_log import LargeLog
from rounds import Rounds

SEED = 20_260_102
PLACES_A_ROUND = 20
GTID_EVENT, TYPE_AT, NUMBER_AT = 33, 4, 19 + 1 + 16
READ = 1 << 18


def _events(sock):
    """Of a dump: each whole event that came, without checks."""
    came, begin = bytearray(), 0
    while True:
        while len(came) - begin >= 4:
            size = int.from_bytes(came[begin:begin + 3], "little")
            if len(came) - begin < 4 + size:
                break
            if came[begin + 4] != 0:
                raise RuntimeError(f"the dump ended: {bytes(came[begin + 4:begin + 4 + size])}")
            yield came[begin + 5:begin + 4 + size]
            begin += 4 + size
        del came[:begin]
        begin = 0
        more = sock.recv(READ)
        if not more:
            raise RuntimeError("the dump ended early")
        came += more


def _seek_gtid(end, server_uuid, number, **account):
    """Milliseconds to the first transaction behind `number`."""
    connection = end.connect(**account)
    with connection.cursor() as cursor:
        cursor.execute("SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'")
    sock = connection._sock
    began = time.monotonic()
    sock.sendall(dump_behind(server_uuid, number))
    first = next(event for event in _events(sock) if event[TYPE_AT] == GTID_EVENT)
    took = time.monotonic() - began
    connection._force_close()
    found = struct.unpack_from("<Q", first, NUMBER_AT)[0]
    if found != number + 1:
        raise RuntimeError(f"{end.name} began with {found}, not with {number + 1}")
    return 1000 * took


def _seek_time(relay, wanted):
    """Milliseconds to the first event of the second `wanted`."""
    asked = datetime.datetime.fromtimestamp(wanted, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    began = time.monotonic()
    said = relay.offline("events", "--from", asked, "--limit", "1", "--json")
    took = time.monotonic() - began
    if json.loads(said.stdout)["time"] != asked:
        raise RuntimeError(f"asked for {asked}: {said.stdout.decode()}")
    return 1000 * took


class Seeking:
    def __init__(self, question, log, rounds):
        self._figures = {(by, part): Rounds(question, f"{log.shown}, by {by}, {part}", "ms", rounds)
                         for by in ("GTID", "time") for part in ("p50", "max")}

    def add(self, by, who, took):
        self._figures[by, "p50"].add(who, statistics.median(took))
        self._figures[by, "max"].add(who, max(took))

    def rows(self):
        return [figures.row() for figures in self._figures.values()]


def _index_share(question, log, relay):
    share = Rounds(question, f"{log.shown}, index of its size", "%", 1)
    index = sum(path.stat().st_size for path in (relay.data_dir / relay.stream_name / "index").iterdir())
    share.add("relay", 100 * index / sum(path.stat().st_size for path in relay.segment_files().values()))
    return share.row()


def measure(question, options):
    log = LargeLog(options.large_bytes)
    relay = BenchRelay(log.source).start()
    relay.caught_up_with(log.source, timeout=1200)
    peer = log.source.add_replication_account("bench")
    server_uuid = log.source.value("SELECT @@server_uuid")
    chance, seeking = random.Random(SEED), Seeking(question, log, options.rounds)
    for _ in range(options.rounds):
        numbers = [chance.randrange(1, log.last) for _ in range(PLACES_A_ROUND)]
        seeking.add("GTID", "relay", [_seek_gtid(relay, server_uuid, number) for number in numbers])
        seeking.add("GTID", "peer", [_seek_gtid(log.source, server_uuid, number, user=peer[0], password=peer[1])
                                     for number in numbers])
        times = [chance.randint(log.begin, log.end) for _ in range(PLACES_A_ROUND)]
        seeking.add("time", "relay", [_seek_time(relay, wanted) for wanted in times])
    yield from (*seeking.rows(), _index_share(question, log, relay))
    relay.stop()
    log.discard()
