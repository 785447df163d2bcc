"""Starts the bare loops and the clients written in C++ with sockets that are logged in already, and counts CPU time."""

import itertools
import json
import os
import pathlib
import socket
import struct
import subprocess
import uuid

from lab import machine

COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID, NON_BLOCKING = 0x12, 0x1e, 1
_server_ids = itertools.count(500_001)
TICK = os.sysconf("SC_CLK_TCK")


def folder():
    chosen = os.environ.get("BINRELAY_BENCH_LOOPS")
    return pathlib.Path(chosen or machine.ROOT / "build/release/bench")


def cpu_seconds(process):
    """Of all threads that a process has and had."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def dump_command(file, position=4, blocking=False):
    """COM_BINLOG_DUMP as a packet."""
    body = bytes([COM_BINLOG_DUMP]) + struct.pack("<IHI", position, 0 if blocking else NON_BLOCKING, next(_server_ids))
    return _packet(body + file.encode())


def dump_behind(server_uuid, number):
    """COM_BINLOG_DUMP_GTID as a packet, of one who has the first `number` transactions of one server."""
    had = struct.pack("<Q16sQQQ", 1, uuid.UUID(server_uuid).bytes, 1, 1, number + 1)
    return _packet(bytes([COM_BINLOG_DUMP_GTID]) + struct.pack("<HIIQI", 0, next(_server_ids), 0, 4, len(had)) + had)


def _packet(body):
    return struct.pack("<I", len(body))[:3] + b"\0" + body


class Dump:
    """A connection on which a loop begins a dump; `end` is a server or a relay."""

    def __init__(self, end, file, position=4, blocking=False, user=None, password=None):
        self._connection = end.connect(user=user, password=password)
        with self._connection.cursor() as cursor:
            cursor.execute("SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'")
        self._socket = self._connection._sock
        self._socket.settimeout(None)
        self.fd = self._socket.fileno()
        self.argument = f"{self.fd}:{dump_command(file, position, blocking).hex()}"

    def close(self):
        self._connection._force_close()


class BareDump:
    """A connection to a loop that begins to send at the first byte it gets."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port))
        self.fd = self._socket.fileno()
        self.argument = f"{self.fd}:00"

    def close(self):
        self._socket.close()


class Loop:
    """One of the loops as a process; go() lets it begin."""

    def __init__(self, name, *arguments, fds=()):
        self._process = subprocess.Popen([folder() / name, *map(str, arguments)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, pass_fds=list(fds), text=True)
        self.pid = self._process.pid

    def line(self):
        return self._process.stdout.readline()

    def go(self):
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self):
        """What it prints when it is done."""
        said, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"{self._process.args[0]} ended with {self._process.returncode}")
        return json.loads(said)

    def end(self):
        self._process.terminate()
        return self._process.communicate()[0]


def discard(dumps):
    """Reads all dumps to their end at the same time; what came."""
    loop = Loop("discard_dumps", *(dump.argument for dump in dumps), fds=[dump.fd for dump in dumps])
    loop.go()
    came = loop.result()
    for dump in dumps:
        dump.close()
    if came["unfinished"]:
        raise RuntimeError(f"{came['unfinished']} of {len(dumps)} dumps ended before their log did")
    return came
