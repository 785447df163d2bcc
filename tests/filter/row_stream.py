"""RowStream: what a consumer that knows only the protocol has after the events it was given: the row changes, and the places where
it can go on. Payloads are unpacked by libzstd; of the relay's own code nothing is used."""

import ctypes
import ctypes.util
import struct
import uuid

from dump_client import FORMAT_DESCRIPTION, HEARTBEATS, ROTATE, log_pos_of

HEADER, CHECKSUM = 19, 4
TABLE_MAP, PAYLOAD = 19, 40
GTID, GTID_TAGGED, MARIADB_GTID = 33, 42, 162
QUERY, XID, XA_PREPARE, MARIADB_QUERY_COMPRESSED = 2, 16, 38, 165
STANDALONE = 1  # of a MariaDB GTID's flags
# type: (what it does, whether it has the length of extra data behind its flags)
ROWS = {23: ("insert", False), 24: ("update", False), 25: ("delete", False), 30: ("insert", True), 31: ("update", True),
        32: ("delete", True), 39: ("update", True), 166: ("insert", False), 167: ("update", False), 168: ("delete", False),
        169: ("insert", True), 170: ("update", True), 171: ("delete", True)}


class RowStream:
    """One connection's events. A rows event without its map on this connection is lost, as a real consumer cannot read it."""

    def __init__(self, file="", position=4):
        self.file, self.position = file, position
        self.rows = []   # (database, table, what, bytes)
        self.lost = 0
        self.done = []   # GTIDs of the groups that ended here, in order
        self._maps, self._open, self._begun = {}, None, False

    def __call__(self, event):
        kind = event[4]
        if kind == ROTATE:
            self.file, self.position = event[27:-CHECKSUM].decode(), int.from_bytes(event[19:27], "little")
        elif kind not in HEARTBEATS and kind != FORMAT_DESCRIPTION:
            self._server_id = int.from_bytes(event[5:9], "little")
            self._event(kind, event[HEADER:-CHECKSUM])
            self.position = log_pos_of(event) or self.position

    def _event(self, kind, body):
        if kind == TABLE_MAP:
            database_end = 9 + body[8]
            table_end = database_end + 2 + body[database_end + 1]
            self._maps[body[:6]] = (body[9:database_end].decode(), body[database_end + 2:table_end].decode())
        elif kind in ROWS:
            what, has_extra = ROWS[kind]
            extra = struct.unpack_from("<H", body, 8)[0] if has_extra else 0
            table = self._maps.get(body[:6])
            if table:
                self.rows.append((*table, what, body[8 + extra:]))
            else:
                self.lost += 1
            if body[6] & 1:
                self._maps = {}
        elif kind == PAYLOAD:
            self._payload(body)
            self._end()
        elif kind in (GTID, GTID_TAGGED, MARIADB_GTID):
            self._open, self._maps = gtid_of(kind, body, self._server_id), {}
            self._one_statement = kind == MARIADB_GTID and bool(body[12] & STANDALONE)
            self._begun = kind == MARIADB_GTID and not self._one_statement
        elif kind in (XID, XA_PREPARE):
            self._end()
        elif kind in (QUERY, MARIADB_QUERY_COMPRESSED):
            self._query(b"" if kind == MARIADB_QUERY_COMPRESSED else query_text(body))

    def _query(self, text):
        if text == b"BEGIN" or text.startswith(b"XA START"):
            self._begun = True
        elif text in (b"COMMIT", b"ROLLBACK") or not self._begun:
            self._end()

    def _end(self):
        if self._open:
            self.done.append(self._open)
        self._open = None

    def _payload(self, body):
        plain, at = unpacked(body), 0
        while at < len(plain):
            size = int.from_bytes(plain[at + 9:at + 13], "little")
            self._event(plain[at + 4], plain[at + HEADER:at + size])
            at += size


def query_text(body):
    return body[13 + struct.unpack_from("<H", body, 11)[0] + body[8] + 1:]


def unpacked(body):
    """The events of a TRANSACTION_PAYLOAD's body."""
    at, size, packed = 0, None, True
    while body[at] != 0:
        field, at = _length_encoded(body, at)
        length, at = _length_encoded(body, at)
        value = _length_encoded(body, at)[0]
        at += length
        if field == 2:
            packed = value == 0
        elif field == 3:
            size = value
    data = body[at + 1:]
    if not packed:
        return data
    zstd = ctypes.CDLL(ctypes.util.find_library("zstd"))
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    plain = ctypes.create_string_buffer(size)
    made = zstd.ZSTD_decompress(plain, ctypes.c_size_t(size), data, ctypes.c_size_t(len(data)))
    assert made == size, f"a payload of {size} bytes gave {made}"
    return plain.raw


def _length_encoded(body, at):
    first = body[at]
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first, 0)
    return (int.from_bytes(body[at + 1:at + 1 + width], "little") if width else first), at + 1 + width


def gtid_of(kind, body, server_id):
    """((uuid, tag), number), or MariaDB's (domain, "server-sequence")"""
    if kind == MARIADB_GTID:
        sequence, domain = struct.unpack_from("<QI", body)
        return domain, f"{server_id}-{sequence}"
    if kind == GTID:
        return (str(uuid.UUID(bytes=body[1:17])), ""), struct.unpack_from("<Q", body, 17)[0]
    fields = _tagged_fields(body)
    return (str(uuid.UUID(bytes=bytes(fields[1]))), fields.get(3, "")), fields[2] >> 1


def _tagged_fields(body):
    """The first four fields of a tagged GTID event."""
    at, fields = 0, {}

    def number():
        nonlocal at
        more = 0
        while more < 8 and body[at] >> more & 1:
            more += 1
        value = int.from_bytes(body[at:at + 1 + more], "little") >> (more + 1) if more < 8 else int.from_bytes(body[at + 1:at + 9], "little")
        at += 1 + more
        return value

    for _ in range(3):  # version, size, the last field that must be known
        number()
    while len(fields) < 4:
        field = number()
        if field > 3:
            break
        if field == 1:
            fields[1] = [number() for _ in range(16)]
        elif field == 3:
            length = number()
            fields[3] = body[at:at + length].decode()
            at += length
        else:
            fields[field] = number()
    return fields


def set_of(gtids):
    """As a consumer says what it has: MySQL's set, or the last of each of MariaDB's domains."""
    if gtids and isinstance(gtids[0][0], int):
        return ",".join(f"{domain}-{number}" for domain, number in dict(gtids).items())
    parts = []
    for source, tag in sorted({name for name, _ in gtids}):
        runs = []
        for number in sorted(number for name, number in gtids if name == (source, tag)):
            if runs and runs[-1][1] + 1 == number:
                runs[-1][1] = number
            else:
                runs.append([number, number])
        parts.append(":".join([source, *([tag] if tag else []), *(f"{first}-{last}" for first, last in runs)]))
    return ",".join(parts)
