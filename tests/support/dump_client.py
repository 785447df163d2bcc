"""DumpClient asks a server or a relay for binary log events the way a replica does, and stops at the end of the log."""

import hashlib
import itertools
import struct

COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID = 0x12, 0x1E
NON_BLOCKING, ANNOTATE, HEARTBEAT_V2 = 1, 2, 2
ROTATE, FORMAT_DESCRIPTION, START_ENCRYPTION = 4, 15, 164
HEARTBEATS = (27, 41)
BINLOG_CHECKPOINT, GTID_LIST = 161, 163
ARTIFICIAL = 0x20
_server_ids = itertools.count(9999)  # a newer dump of the same one ends an older one


def log_pos_of(event):
    return int.from_bytes(event[13:17], "little")


def flags_of(event):
    return int.from_bytes(event[17:19], "little")


class DumpClient:
    """One dump on one connection (`connect` makes it); iterate over it for the events that belong to the log, or over
    everything() for what is sent beside them too."""

    def __init__(self, connect, is_mysql):
        self._connection = connect()
        self._is_mysql = is_mysql
        self._server_id = next(_server_ids)
        self._run("SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'")
        if not is_mysql:
            self._run("SET @mariadb_slave_capability = 4")

    def from_file(self, name, position):
        flags = NON_BLOCKING | (0 if self._is_mysql else ANNOTATE)
        self._connection._execute_command(COM_BINLOG_DUMP, struct.pack("<IHI", position, flags, self._server_id) + name.encode())
        return self

    def from_gtids(self, gtids, flags=NON_BLOCKING):
        """MySQL: a set as text; MariaDB: a position as text, and no flags."""
        if not self._is_mysql:
            self._run(f"SET @slave_connect_state = '{gtids}'")
            return self.from_file("", 4)
        data = encode_gtids(gtids)
        self._connection._execute_command(
            COM_BINLOG_DUMP_GTID, struct.pack("<HIIQI", flags, self._server_id, 0, 4, len(data)) + data)
        return self

    def everything(self):
        """Every event up to the end of the log, as it is sent."""
        try:
            while True:
                packet = self._connection._read_packet().get_all_data()
                if packet[0] == 0xFE and len(packet) < 9:
                    return
                yield packet[1:]
        finally:
            self._connection.close()

    def __iter__(self):
        for event in self.everything():
            kind = event[4]
            own = kind in HEARTBEATS or flags_of(event) & ARTIFICIAL or kind == FORMAT_DESCRIPTION
            if not own and not (kind == START_ENCRYPTION and log_pos_of(event) == 0):
                yield event

    def digest(self, at_most):
        """How many events that belong to the log came, up to so many, and a digest of them."""
        state, count = hashlib.sha256(), 0
        for event in self:
            state.update(event)
            count += 1
            if count == at_most:
                break
        return count, state.hexdigest()

    def _run(self, statement):
        with self._connection.cursor() as cursor:
            cursor.execute(statement)


def encode_gtids(gtids):
    """A MySQL set as text, as COM_BINLOG_DUMP_GTID carries it."""
    runs = _runs_by_source(gtids)
    tagged = any(tag for _, tag in runs)
    data = struct.pack("<Q", 1 << 56 | len(runs) << 8 | 1 if tagged else len(runs))
    for (uuid, tag), intervals in runs.items():
        data += bytes.fromhex(uuid.replace("-", ""))
        data += bytes([len(tag) << 1]) + tag.encode() if tagged else b""
        data += struct.pack("<Q", len(intervals))
        for interval in intervals:
            first, _, last = interval.partition("-")
            data += struct.pack("<QQ", int(first), int(last or first) + 1)
    return data


def _runs_by_source(gtids):
    """{(uuid, tag): intervals as text}"""
    runs = {}
    for of_uuid in filter(None, gtids.replace("\n", "").replace(" ", "").split(",")):
        uuid, *parts = of_uuid.split(":")
        tag = ""
        for part in parts:
            if part[0].isdigit():
                runs.setdefault((uuid, tag), []).append(part)
            else:
                tag = part
    return runs
