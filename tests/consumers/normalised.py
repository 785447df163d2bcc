"""The one list of what may differ between a client that reads the source and one that reads the relay.

Everything else that a client decodes has to be equal, positions, timestamps, server ids, sizes and flags of events included.
"""

import json

# ---- in every comparison

# Heartbeats come when nothing else does: how many is a matter of time. By what the clients call them.
HEARTBEATS = ("HEARTBEAT", "HEARTBEAT_V2", "HeartbeatLogEvent", "HeartbeatEvent", "HeartbeatLogEventV2")

# When Debezium itself had a record in its hands; the time of the event is in its "source" and is compared.
DEBEZIUM_ARRIVAL = ("ts_ms", "ts_us", "ts_ns")

# ---- where a consumer connects anew at a moment of its own ("relay restarted")

# Sent at the begin of every connection and file; how many a consumer sees depends on when and where it connects.
OF_A_CONNECTION = ("ROTATE", "RotateEvent", "FORMAT_DESCRIPTION", "FormatDescriptionEvent", "PREVIOUS_GTIDS",
                   "PreviousGtidsEvent", "PREVIOUS_GTIDS_EVENT", "MARIADB_GTID_LIST", "MariadbGtidListEvent", "BINLOG_CHECKPOINT",
                   "MariadbBinLogCheckPointEvent", "MariadbGTIDListEvent", "MariadbBinlogCheckPointEvent", "GTIDList", "OnRotate",
                   "Rotate", "Format", "PreviousGtids", "MariadbGtidList", "BinlogCheckpoint",
                   # @powersync/mysql-zongji shows the map of a table once on a connection; its columns stand with the rows, too.
                   "TableMap")

# A client that connects anew may ask for a transaction that it has had: go-mysql asks from the last but one, the Java client
# does not count the GTIDs of packed transactions. What comes twice, with the same position and time, is compared once.


def once(events):
    """The events without those that came before."""
    seen, first = set(), []
    for event in events:
        text = json.dumps(event, sort_keys=True)
        if text not in seen:
            seen.add(text)
            first.append(event)
    return first


def kept(event, across_connections):
    """The event without what may differ, or None when it may come or not."""
    kind = event.get("kind")
    if kind in HEARTBEATS or across_connections and kind in OF_A_CONNECTION:
        return None
    if kind == "record":
        fields = event["fields"]
        value = {key: field for key, field in (fields["value"] or {}).items() if key not in DEBEZIUM_ARRIVAL}
        return {"kind": kind, "fields": {**fields, "value": value}}
    return event
