"""TailClients: many consumers at the end of a log in one process, measuring how long a commit takes to reach them.

A writer puts stamp() into what it commits; each consumer looks for the stamps in the bytes that arrive and does nothing
else with them, so that one process measures many without disturbing what it measures.
"""

import re
import select
import struct
import time

from dump_client import ANNOTATE, COM_BINLOG_DUMP

_STAMP = re.compile(rb"<(\d{19})>")
_STAMP_SIZE = 21
_READ = 1 << 16


def stamp():
    """The time, as text for a statement."""
    return f"<{time.monotonic_ns():019}>"


def begin_dump(connection, file, position, server_id, flags=0):
    """Makes a pymysql connection a dump that waits at the end; its socket."""
    with connection.cursor() as cursor:
        cursor.execute("SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'")
        cursor.execute("SET @mariadb_slave_capability = 4")
    connection._execute_command(COM_BINLOG_DUMP, struct.pack("<IHI", position, flags | ANNOTATE, server_id) + file.encode())
    return connection._sock


class TailClients:
    """`connect` makes a pymysql connection; each client dumps from (file, position)."""

    def __init__(self, connect, count, file, position):
        self._connections = [connect() for _ in range(count)]
        self._poll = select.epoll()
        self._tails = {}  # by file descriptor: [socket, last bytes, last stamp]
        for number, connection in enumerate(self._connections):
            sock = begin_dump(connection, file, position, 20_000 + number)
            sock.setblocking(False)
            self._poll.register(sock.fileno(), select.EPOLLIN)
            self._tails[sock.fileno()] = [sock, b"", 0]
        self.latencies = []  # seconds, of every consumer and stamp since clear()

    def run(self, seconds):
        """Measures for so long; the latencies of this time."""
        self.latencies = []
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for descriptor, _ in self._poll.poll(left):
                self._read(self._tails[descriptor])
        return self.latencies

    def close(self):
        for connection in self._connections:
            connection.close()

    def _read(self, tail):
        got = tail[0].recv(_READ)
        now = time.monotonic_ns()
        if not got:
            raise AssertionError("a healthy consumer was disconnected")
        for found in _STAMP.finditer(tail[1] + got):
            number = int(found[1])
            if number > tail[2]:  # a statement and its rows show it twice
                tail[2] = number
                self.latencies.append((now - number) / 1e9)
        tail[1] = got[-_STAMP_SIZE:]


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
