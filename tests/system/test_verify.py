"""verify finds any single flipped bit of segments and journal, and names the place."""

import bisect
import concurrent.futures
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from workload import Workload  # noqa: E402

from lab import machine  # noqa: E402
from lab.relay import STREAM, binary  # noqa: E402

LANES = 2  # copies of the data directory, each damaged by a thread of its own
MAGIC, EVENT_SIZE_AT = 4, 9
JOURNAL_HEADER, RECORD_HEADER, BODY_SIZE_AT = 16, 17, 4


def _verify(data_dir):
    done = subprocess.run([binary(), "verify", "--data-dir", data_dir, "--stream", STREAM, "--json"], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL)
    try:
        return done.returncode, json.loads(done.stdout)
    except json.JSONDecodeError:
        raise AssertionError(f"verify printed no JSON, exit {done.returncode}: {done.stdout}{done.stderr}") from None


def _flip(path, at, bit):
    with open(path, "r+b") as file:
        file.seek(at)
        value = file.read(1)[0] ^ (1 << bit)
        file.seek(at)
        file.write(bytes([value]))


def _parts(path):
    """Where the events of a segment, or the records of a journal, begin; and the end."""
    content, ends = path.read_bytes(), [0]
    is_journal = "journal" in path.name
    at = JOURNAL_HEADER if is_journal else MAGIC
    while at < len(content):
        ends.append(at)
        size_at = at + (BODY_SIZE_AT if is_journal else EVENT_SIZE_AT)
        at += int.from_bytes(content[size_at:size_at + 4], "little") + (RECORD_HEADER if is_journal else 0)
    assert at == len(content), f"{path} ends at {len(content)}, not at {at}"
    return ends + [at]


def _names(finding, name, at, parts):
    """Whether the event, record or block that begins where verify says contains this byte."""
    begin = finding["offset"]
    if finding["file"] != name or begin > at:
        return False
    if block := re.match(r"the block of (\d+) bytes here", finding["problem"]):
        return at < begin + int(block[1])
    if rest := re.match(r"the bytes from here to (\d+)", finding["problem"]):
        return at < int(rest[1])
    return at < parts[bisect.bisect_right(parts, begin)]


def _damage_and_verify(data_dir, flips, parts):
    """The flips that verify did not find, or not where they are: [(file, byte, bit, what verify said)]."""
    missed = []
    for name, at, bit in flips:
        path = data_dir / STREAM / name
        _flip(path, at, bit)
        code, said = _verify(data_dir)
        named = any(_names(finding, name, at, parts[name]) for finding in said["findings"])
        if code != 1 or not named:
            missed.append((name, at, bit, code, said["findings"][:2]))
        _flip(path, at, bit)
    return missed


def _flipped_bits(stage, source):
    stage.needs_relay()
    work = Workload(source)
    relay = stage.relay(source)
    for _ in range(3):
        work.small(12)
        source.sql("FLUSH BINARY LOGS")
    work.savepoints()
    relay.caught_up_with(source)
    relay.stop()

    code, said = _verify(relay.data_dir)
    assert code == 0 and said["findings"] == [], f"undamaged data: exit {code}, {said}"
    stream = relay.data_dir / STREAM
    sizes = {str(path.relative_to(stream)): path.stat().st_size
             for path in sorted([*stream.glob("segments/**/*"), *stream.glob("journal*")]) if path.is_file()}
    stage.say(f"{len(sizes)} files, {sum(sizes.values())} bytes; no findings")

    chance = random.Random(20261122)
    wanted = 10_000 if stage.full else 1_000
    names = chance.choices(list(sizes), weights=list(sizes.values()), k=wanted - 100)
    names += [name for name in sizes if "journal" in name] * 100  # small, but it must not be left out
    flips = [(name, chance.randrange(sizes[name]), chance.randrange(8)) for name in names[:wanted]]

    lanes = [machine.scratch(f"damaged{lane}") / "data" for lane in range(LANES)]
    for lane in lanes:
        shutil.copytree(relay.data_dir, lane)
    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        parts = {name: _parts(stream / name) for name in sizes}
        found = list(pool.map(_damage_and_verify, lanes, [flips[lane::LANES] for lane in range(LANES)], [parts] * LANES))
    missed = [flip for lane in found for flip in lane]
    assert not missed, f"{len(missed)} of {len(flips)} flipped bits not found in place (file, byte, bit, " \
        f"exit, said): {missed[:10]}"
    assert all(_verify(lane)[0] == 0 for lane in lanes), "a data directory did not survive being mended"
    stage.say(f"{len(flips)} flipped bits found, each in its place")


def mysql_flipped_bits(stage):
    _flipped_bits(stage, stage.mysql("source"))


def mariadb_flipped_bits(stage):
    _flipped_bits(stage, stage.mariadb("source", binlog_format="ROW"))


scenario.main(mysql_flipped_bits, mariadb_flipped_bits)
