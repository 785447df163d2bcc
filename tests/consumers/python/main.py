"""python-mysql-replication as a consumer: prints what it decodes, a JSON object a line. See ../README.md for the form."""

import json
import sys

from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.event import GtidEvent, MariadbGtidEvent, QueryEvent, XidEvent
from pymysqlreplication.row_event import DeleteRowsEvent, RowsEvent, TableMapEvent, UpdateRowsEvent, WriteRowsEvent

ROWS = (WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent)


def plain(value):
    """A decoded value as JSON has it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if type(value).__repr__ is object.__repr__:  # its text would be an address
        return {"type": type(value).__name__, "gtid": getattr(value, "gtid", None)}
    return str(value)


def shown(event):
    """The event's public fields."""
    fields = {name: plain(value) for name, value in sorted(vars(event).items())
              if not name.startswith("_") and name not in ("packet", "table_map", "complete", "columns", "dbms", "table_obj",
                                                      "optional_metadata")}
    if isinstance(event, ROWS):
        fields["rows"] = plain(event.rows)
    if isinstance(event, TableMapEvent):
        fields["metadata"] = {name: str(value) for name, value in sorted(vars(event.optional_metadata).items())}
    if isinstance(event, RowsEvent):
        fields["columns"] = [column.name for column in event.columns]
    header = {"timestamp": event.packet.timestamp, "server_id": event.packet.server_id, "log_pos": event.packet.log_pos,
              "flags": event.packet.flags, "size": event.packet.event_size}
    return {"kind": type(event).__name__, "header": header, "fields": fields}


def main():
    wish = json.load(open(sys.argv[1]))
    place = {}
    if wish["mode"] == "file":
        place = {"resume_stream": True, "log_file": wish["file"], "log_pos": wish["position"]}
    else:
        place = {"auto_position": wish["gtid"], "is_mariadb": wish["flavour"] == "mariadb"}
    # By MariaDB GTIDs the client sends one byte too many: a source that closes at the end of the log then resets the connection,
    # and what was under way is lost. So it does not end there.
    blocking = wish["live"] or wish["mode"] == "gtid" and wish["flavour"] == "mariadb"
    stream = BinLogStreamReader(
        {"host": wish["host"], "port": wish["port"], "user": wish["user"], "passwd": wish["password"]},
        server_id=wish["server_id"], blocking=blocking, enable_logging=False, **place)
    gtid = wish.get("gtid")
    for event in stream:
        print(json.dumps(shown(event)), flush=True)
        if isinstance(event, GtidEvent):
            uuid, _, number = event.gtid.partition(":")
            gtid = f"{uuid}:1-{number}"
        elif isinstance(event, MariadbGtidEvent):
            gtid = event.gtid
        if isinstance(event, XidEvent) or isinstance(event, QueryEvent) and event.query != "BEGIN":
            print(json.dumps({"at": {"file": stream.log_file, "position": stream.log_pos, "gtid": gtid}}), flush=True)


main()
