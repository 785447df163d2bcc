"""Whom a relay shows itself as, and what it tells monitoring of its own source: the columns are a real replica's."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
import replication  # noqa: E402
from workload import Workload  # noqa: E402

from lab.machine import wait_until  # noqa: E402

STATUS = {"mysql": ("SHOW REPLICA STATUS",), "mariadb": ("SHOW SLAVE STATUS", "SHOW ALL SLAVES STATUS")}
WORDS = {"mysql": ("Source", "Replica"), "mariadb": ("Master", "Slave")}
NEWER = {"Master_last_event_time", "Slave_last_event_time", "Master_Slave_time_diff"}  # of MariaDB 11.8's SHOW ALL SLAVES STATUS


def _rows(connect, statement):
    """Its column names and rows."""
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall()
        return [column[0] for column in cursor.description], [dict(zip((c[0] for c in cursor.description), row)) for row in rows]


def _status(stage, source):
    stage.needs_relay()
    relay = stage.relay(source, source_settings={"connect_timeout_ms": 1000})
    monitor = relay.add_account("monitor", replica_status="upstream")
    relay.restart()
    Workload(source).small(50)
    relay.caught_up_with(source)
    primary, replica = WORDS[source.flavour]

    def watch():
        return relay.connect(*monitor)
    for statement in STATUS[source.flavour]:
        of_server, none = _rows(source.connect, statement)
        columns, rows = _rows(watch, statement)
        assert [name for name in of_server if name not in NEWER] == columns, (of_server, columns)
        assert not none and len(rows) == 1, rows
        assert _rows(relay.connect, statement) == (columns, []), "a CDC tool sees no upstream"
        row = rows[0]
        name, position = source.binlog_position()
        shown = {key: str(row[key]) for key in (f"{primary}_Port", f"{primary}_User", f"{primary}_Log_File", f"Read_{primary}_Log_Pos",
                                                f"Exec_{primary}_Log_Pos", f"{replica}_IO_Running", f"{replica}_SQL_Running",
                                                f"{primary}_Server_Id")}
        assert list(shown.values()) == [str(source.port), "relay", name, str(position), str(position), "Yes", "Yes",
                                        str(source.value("SELECT @@server_id"))], shown
        executed = row["Executed_Gtid_Set" if source.flavour == "mysql" else "Gtid_IO_Pos"]
        assert executed == source.gtid_executed(), executed
    source.stop()

    def told():
        row = _rows(watch, STATUS[source.flavour][0])[1][0]
        return row[f"{replica}_IO_Running"] == "Connecting" and row["Last_IO_Error"] and row[f"Seconds_Behind_{primary}"] is None
    wait_until("the lost source is shown", told, 60, 0.2)
    stage.say("a real replica's columns, the relay's own state in them; a lost source is told")


def mysql_replica_status(stage):
    _status(stage, stage.mysql("source"))


def mariadb_replica_status(stage):
    _status(stage, stage.mariadb("source", series="10.11"))


def mariadb_118_replica_status(stage):
    _status(stage, stage.mariadb("source", series="11.8"))


def _shown(stage, source, replica, version):
    """Clients and replicas take the relay for another server than its source."""
    stage.needs_relay()
    relay = stage.relay(source)
    uuid = "11111111-2222-3333-4444-555555555555"
    relay.identity = {"version": version, "server_id": 4711, **({"server_uuid": uuid} if source.flavour == "mysql" else {})}
    relay.restart()
    with relay.connect() as connection:
        assert version in connection.get_server_info(), connection.get_server_info()
    wanted = [("@@version", version), ("VERSION()", version), ("@@server_id", 4711), ("@@global.server_id", 4711)]
    for expression, value in wanted + ([("@@server_uuid", uuid)] if source.flavour == "mysql" else []):
        assert relay.sql(f"SELECT {expression}") == [(value,)], expression
    replication.follow(replica, relay, "gtid")
    Workload(source).small(50)
    replication.settle(stage, source, relay, replica)
    status = replica.replica_status()
    assert str(status[f"{WORDS[source.flavour][0]}_Server_Id"]) == "4711", status
    if source.flavour == "mysql":
        assert status["Source_UUID"] == uuid, status


def mysql_shown_identity(stage):
    _shown(stage, stage.mysql("source"), stage.mysql("replica"), "8.4.99-shown")


def mariadb_shown_identity(stage):
    _shown(stage, stage.mariadb("source", series="10.11"), stage.mariadb("replica", series="10.11"), "10.11.99-MariaDB-shown")


scenario.main(mysql_replica_status, mariadb_replica_status, mariadb_118_replica_status, mysql_shown_identity, mariadb_shown_identity)
