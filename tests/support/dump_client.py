"""DumpClient asks a server or a relay for binary log events the way a replica does, and stops at the end of the log."""

import hashlib
import struct

COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID = 0x12, 0x1E
NON_BLOCKING, ANNOTATE = 1, 2
ROTATE, FORMAT_DESCRIPTION, START_ENCRYPTION = 4, 15, 164
HEARTBEATS = (27, 41)
BINLOG_CHECKPOINT, GTID_LIST = 161, 163
ARTIFICIAL = 0x20


class DumpClient:
    """One dump on one connection (`connect` makes it); iterate over it for the events that belong to the log."""

    def __init__(self, connect, is_mysql):
        self._connection = connect()
        self._is_mysql = is_mysql
        self._run("SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'")
        if not is_mysql:
            self._run("SET @mariadb_slave_capability = 4")

    def from_file(self, name, position):
        flags = NON_BLOCKING | (0 if self._is_mysql else ANNOTATE)
        self._connection._execute_command(COM_BINLOG_DUMP, struct.pack("<IHI", position, flags, 9999) + name.encode())
        return self

    def from_gtids(self, gtids):
        """MySQL: an untagged set as text; MariaDB: a position as text."""
        if not self._is_mysql:
            self._run(f"SET @slave_connect_state = '{gtids}'")
            return self.from_file("", 4)
        data = _encode_untagged(gtids)
        self._connection._execute_command(
            COM_BINLOG_DUMP_GTID, struct.pack("<HIIQI", NON_BLOCKING, 9999, 0, 4, len(data)) + data)
        return self

    def __iter__(self):
        try:
            while True:
                packet = self._connection._read_packet().get_all_data()
                if packet[0] == 0xFE and len(packet) < 9:
                    return
                event = packet[1:]
                kind, log_pos, flags = event[4], int.from_bytes(event[13:17], "little"), int.from_bytes(event[17:19], "little")
                own = kind in HEARTBEATS or flags & ARTIFICIAL or kind == FORMAT_DESCRIPTION
                if not own and not (kind == START_ENCRYPTION and log_pos == 0):
                    yield event
        finally:
            self._connection.close()

    def digest(self, at_most, leaving_out=()):
        """How many events came, up to so many, and a digest of them; some types may not count."""
        state, count = hashlib.sha256(), 0
        for event in self:
            if event[4] in leaving_out:
                continue
            state.update(event)
            count += 1
            if count == at_most:
                break
        return count, state.hexdigest()

    def _run(self, statement):
        with self._connection.cursor() as cursor:
            cursor.execute(statement)


def _encode_untagged(gtids):
    by_uuid = [part.split(":") for part in gtids.replace("\n", "").replace(" ", "").split(",") if part]
    data = struct.pack("<Q", len(by_uuid))
    for uuid, *intervals in by_uuid:
        data += bytes.fromhex(uuid.replace("-", "")) + struct.pack("<Q", len(intervals))
        for interval in intervals:
            first, _, last = interval.partition("-")
            data += struct.pack("<QQ", int(first), int(last or first) + 1)
    return data
