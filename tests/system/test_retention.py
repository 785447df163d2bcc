"""Old files go: by PURGE BINARY LOGS and by rule, under replicas that read, lag, have gone away or come too late."""

import pathlib
import sys
import time

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import compare  # noqa: E402
import scenario  # noqa: E402
from dump_client import DumpClient  # noqa: E402
from lab import Relay  # noqa: E402
from lab.machine import wait_until  # noqa: E402
from replication import follow  # noqa: E402
from workload import Workload  # noqa: E402

ER_ACCESS_DENIED, ER_UNKNOWN_LOG = 1227, 1373
PURGER = "purger"


def _relay(stage, source, retention):
    relay = Relay(source, retention=retention)
    relay.add_account(PURGER, may_purge=True)
    return stage.enter(relay)


def _purge(relay, statement, user=PURGER):
    """The warnings, or the error's number."""
    with relay.connect(user=user) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement)
        except pymysql.err.MySQLError as error:
            return error.args[0]
        cursor.execute("SHOW WARNINGS")
        return [(row[0], int(row[1]), row[2]) for row in cursor.fetchall()]


def _write_files(source, count, size=0):
    """Some transactions and the end of a file, so many times; with `size` each file holds so many bytes of rows."""
    source.sql("CREATE DATABASE IF NOT EXISTS work")
    source.sql("CREATE TABLE IF NOT EXISTS work.filler (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)")
    for _ in range(count):
        for _ in range(3):
            source.sql("INSERT INTO work.filler (text) VALUES (REPEAT('x', %s))", size // 3 + 10)
        source.sql("FLUSH BINARY LOGS")


def _lists_what_it_has(source, relay):
    """SHOW BINARY LOGS, the files on disk and, where the source still has them, its bytes: the same."""
    names = relay.binlog_names()
    stored = relay.segment_files()
    assert names == sorted(stored), f"listed {names}, stored {sorted(stored)}"
    originals = {path.name: path for path in source.binlog_files()}
    for name in names:
        if name in originals:
            # MariaDB notes a checkpoint some time after the transactions.
            wait_until(f"all of {name} is stored", lambda: stored[name].stat().st_size >= originals[name].stat().st_size, 30)
            compare.same_bytes(originals[name], stored[name])
    return names


def _refusal(replica):
    """The error that stops a replica's receiver."""
    found = []

    def refused():
        found[:] = replica.replica_errors()
        return found
    wait_until(lambda: f"{replica.name} is refused\n{replica.replica_status()}", refused, 60)
    return found[0]


def _purged_as_source(stage, source, replica, newcomer):
    """Purged to the same file, relay and source say the same of it."""
    relay = _relay(stage, source, {"purge_hold_seconds": 3600})
    _write_files(source, 2)
    _write_files(source, 2, size=30_000_000)  # too much for any socket's buffers
    _write_files(source, 3)
    period = "SOURCE_HEARTBEAT_PERIOD" if source.flavour == "mysql" else "MASTER_HEARTBEAT_PERIOD"
    follow(replica, relay, "gtid", **{period: 2})
    replica.wait_replica_caught_up(source)
    relay.caught_up_with(source)
    names = relay.binlog_names()
    expected = DumpClient(source.connect, source.flavour == "mysql").from_file(names[2], 4).digest(10**9)

    assert _purge(relay, f"PURGE BINARY LOGS TO '{names[3]}'", user=relay.user) == ER_ACCESS_DENIED
    assert _purge(relay, "PURGE BINARY LOGS TO 'binlog.999999'") == ER_UNKNOWN_LOG
    assert _purge(relay, "PURGE BINARY LOGS BEFORE '2001-01-01'") == []
    assert relay.binlog_names() == names
    stage.say("refused who may not, and what is not there")

    slow = DumpClient(relay.connect, source.flavour == "mysql").from_file(names[2], 4)
    time.sleep(1)  # it reads nothing; the relay has sent what the buffers hold
    warnings = _purge(relay, f"PURGE MASTER LOGS TO '{names[5]}'")
    assert len(warnings) == 1 and names[2] in warnings[0][2], warnings
    assert relay.binlog_names() == names[2:], relay.binlog_names()
    assert slow.digest(10**9) == expected, "the lagging consumer got something else"
    assert _purge(relay, f"PURGE BINARY LOGS TO '{names[5]}'") == []
    assert relay.binlog_names() == names[5:]
    assert _lists_what_it_has(source, relay) == names[5:]
    stage.say("stopped at a file in use, went on when it was read")

    replica.stop_replica()

    def waited_for():
        return [consumer["server_id"] for consumer in relay.status()["streams"][0]["retention"]["waited_for"]]
    # A replica that has hung up is noticed with the next event or heartbeat.
    wait_until("the relay waits for its replica", lambda: waited_for() == [replica.server_id], 90)
    _write_files(source, 3)
    relay.caught_up_with(source)
    newest = relay.binlog_names()[-1]
    warnings = _purge(relay, f"PURGE BINARY LOGS TO '{newest}'")
    assert len(warnings) == 1 and f"server_id {replica.server_id} " in warnings[0][2], warnings
    relay.restart()
    assert waited_for() == [replica.server_id], relay.status()
    assert _purge(relay, f"PURGE BINARY LOGS TO '{newest}'"), "the restart forgot whom it waits for"
    replica.resume_replica()
    replica.wait_replica_caught_up(source)
    relay.caught_up_with(source)
    newest = relay.binlog_names()[-1]

    def purged():
        return _purge(relay, f"PURGE BINARY LOGS TO '{newest}'") == []
    wait_until("nothing holds the purge back", purged, 30)
    stage.say("waited for a replica that had gone away, over a restart")

    def purged_on_source():
        source.sql(f"PURGE BINARY LOGS TO '{newest}'")
        return relay.binlog_names() == source.binlog_names()
    # The dump of the relay that was restarted may still hold a file there.
    wait_until(lambda: f"{relay.binlog_names()} is {source.binlog_names()}", purged_on_source, 30)
    if source.flavour == "mysql":
        for variable in ("gtid_purged", "gtid_executed"):
            asked = f"SELECT @@global.{variable}"
            assert relay.sql(asked) == source.sql(asked), f"{variable}: {relay.sql(asked)} {source.sql(asked)}"
    follow(newcomer, relay, "gtid")
    found = _refusal(newcomer)
    newcomer.stop_replica()
    user, password = source.add_replication_account("direct")
    newcomer.start_replica("127.0.0.1", source.port, user, password, "gtid")
    assert found == _refusal(newcomer), f"{found}\n{_refusal(newcomer)}"
    stage.say(f"a newcomer is told: {found[:120]}…")

    relay.restart()
    assert relay.binlog_names() == source.binlog_names()
    _write_files(source, 2)
    replica.wait_replica_caught_up(source)
    relay.caught_up_with(source)
    _lists_what_it_has(source, relay)
    compare.same_tables(source, replica)
    relay.stop()
    for command in ("verify", "reindex", "verify"):
        relay.offline(command)
    stage.say("restarted, verified, reindexed")
    relay.start()


def mysql_purge(stage):
    stage.needs_relay()
    _purged_as_source(stage, stage.mysql("source"), stage.mysql("replica"), stage.mysql("newcomer"))


def mariadb_1011_purge(stage):
    stage.needs_relay()
    _purged_as_source(stage, stage.mariadb("source", series="10.11", binlog_format="ROW"),
                      stage.mariadb("replica", series="10.11"), stage.mariadb("newcomer", series="10.11"))


def mariadb_118_purge(stage):
    stage.needs_relay()
    _purged_as_source(stage, stage.mariadb("source", series="11.8", binlog_format="ROW"),
                      stage.mariadb("replica", series="11.8"), stage.mariadb("newcomer", series="11.8"))


def _killed_while_purging(stage, source, replica, rounds):
    """A log kept small by rule, killed again and again while files come and go."""
    relay = _relay(stage, source, {"max_bytes": 60_000, "purge_hold_seconds": 3600})
    follow(replica, relay, "gtid")
    work = Workload(source)
    first = relay.binlog_names()[0]
    for number in range(rounds):
        for _ in range(4):
            work.small(40)
            source.sql("FLUSH BINARY LOGS")
        replica.wait_replica_caught_up(source)
        time.sleep(0.2 * (number % 6))
        relay.kill()
        verified = relay.offline("verify", check=False)
        assert verified.returncode in (0, 1), verified
        relay.start()
        _lists_what_it_has(source, relay)
    relay.caught_up_with(source)
    replica.wait_replica_caught_up(source)
    compare.same_tables(source, replica)

    def small():
        return relay.status()["streams"][0]["log"]["bytes"] <= 60_000
    wait_until(lambda: f"the log is small\n{relay.log_tail()}", small, 30)
    assert first not in relay.binlog_names(), "nothing was purged"
    stage.say(f"{rounds} kills; purged up to {relay.binlog_names()[0]}")
    relay.stop()
    relay.offline("verify")
    relay.start()


def mysql_killed_while_purging(stage):
    stage.needs_relay()
    _killed_while_purging(stage, stage.mysql("source"), stage.mysql("replica"), 30 if stage.full else 8)


def mariadb_killed_while_purging(stage):
    stage.needs_relay()
    _killed_while_purging(stage, stage.mariadb("source"), stage.mariadb("replica"), 30 if stage.full else 8)


scenario.main(mysql_purge, mariadb_1011_purge, mariadb_118_purge, mysql_killed_while_purging, mariadb_killed_while_purging)
