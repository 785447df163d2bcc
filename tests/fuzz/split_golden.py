#!/usr/bin/env python3
"""split_golden.py GOLDEN OUT: cuts the golden samples into seeds of a few events each; small inputs fuzz faster."""

import pathlib
import struct
import sys

EVENTS_A_SEED = 6
MAGIC = 4


def events(content):
    offset = MAGIC
    while offset < len(content):
        size, = struct.unpack_from("<I", content, offset + 9)
        yield content[offset:offset + size]
        offset += size


def main(golden, out):
    out.mkdir(parents=True, exist_ok=True)
    for sample in sorted(golden.glob("*.binlog")):
        content = sample.read_bytes()
        found = list(events(content))
        for first in range(0, len(found), EVENTS_A_SEED):
            seed = content[:MAGIC] + b"".join(found[first:first + EVENTS_A_SEED])
            (out / f"{sample.stem}-{first:03}").write_bytes(seed)


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
