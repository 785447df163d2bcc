"""The source changes: a replica of it takes over, it comes back, it is reset, or another one has fewer transactions."""

import pathlib
import random
import shutil
import sys

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import compare  # noqa: E402
import scenario  # noqa: E402
from dump_client import DumpClient  # noqa: E402
from lab import machine  # noqa: E402
from lab.machine import wait_until  # noqa: E402
from replication import (address, attach, detach, executed_gtids, follow, gtids_from_file, raw_copies,  # noqa: E402
                         relay_before, relay_has)
from workload import Workload  # noqa: E402

EVENTS_COMPARED = 60


def _answers(relay, flavour, places):
    """What dumps from these places give."""
    given = {}
    for place in places:
        try:
            client = DumpClient(relay.connect, flavour == "mysql")
            client = client.from_gtids(place) if isinstance(place, str) else client.from_file(*place)
            given[place] = client.digest(EVENTS_COMPARED)
        except pymysql.err.MySQLError as error:
            given[place] = (error.args[0], str(error.args[1]))
    return given


def _places(relay, source, chance):
    names = relay.binlog_names()
    places = [(name, 4) for name in names]
    starts = [(name, start) for name in names for start, kind, *_ in relay.binlog_events(name) if kind == "Gtid"]
    places += chance.sample(starts, min(80, len(starts)))
    if source.flavour == "mysql":
        for part in executed_gtids(relay, "mysql").split(","):
            uuid, *_, last = part.replace("-", ":", 0).split(":")
            places += [f"{uuid}:1-{chance.randrange(1, int(last.split('-')[-1]) + 1)}" for _ in range(5)]
    else:
        places += [""] + [f"{domain}-{server}-{number}" for domain, server, number in
                          chance.sample(gtids_from_file(relay, "mariadb", names[0]), 20) if domain == 0]
    return places


def _there_and_back(stage, a, b, make_replica):
    flavour = a.flavour
    relay = relay_before(stage, a, b)
    by_gtid, by_file = make_replica("by_gtid"), make_replica("by_file")
    follow(by_gtid, relay, "gtid")
    follow(by_file, relay, "file")
    attach(b, a)

    def write(source, table):
        work = Workload(source)
        work.sysbench_start(4, tables=4, rows=300)
        work.small(150, table)
        work.flush()
        work.small(50, table)
        work.sysbench_finish()

    def switch(old, new, generation):
        new.wait_replica_caught_up(old)
        stage.say(f"{new.name} has everything of {old.name}")
        old.kill() if flavour == "mysql" else old.stop()
        detach(new)
        Workload(new).small(100, f"after_{generation}")
        wait_until(lambda: f"the relay follows {new.name}\n{relay.log_tail()}",
                   lambda: relay.status()["streams"][0]["log"]["generation"] == generation, 60, 0.3)
        stage.say(f"{old.name} went away, the relay follows {new.name}: generation {generation}")
        relay.source = new

    write(a, "first")
    switch(a, b, 2)
    write(b, "second")
    a.start()
    attach(a, b)
    a.wait_replica_caught_up(b)
    switch(b, a, 3)
    write(a, "third")

    for replica in (by_gtid, by_file):
        replica.wait_replica_caught_up(a)
        assert "1236" not in replica.log_tail(1000), replica.log_tail(1000)
    relay_has(relay, a)
    tables = compare.same_tables(a, by_gtid, by_file)
    compare.same_gtids(a, by_gtid)
    stage.say(f"{tables} tables equal at a GTID replica and a file/position replica")

    names = relay.binlog_names()
    numbers = [int(name.rpartition(".")[2]) for name in names]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), names
    assert len({name.rpartition(".")[0] for name in names}) == 1, names
    gtids = gtids_from_file(relay, flavour, names[0])
    assert len(gtids) == len(set(gtids)), f"{len(gtids) - len(set(gtids))} transactions are sent twice"
    if flavour == "mysql":
        executed = executed_gtids(a, flavour)
        total = sum(int(run.partition("-")[2] or run.partition("-")[0]) - int(run.partition("-")[0]) + 1
                    for part in executed.split(",") for run in part.split(":")[1:])
        assert len(gtids) == total, f"{len(gtids)} transactions are sent, the source has {total}"
    stage.say(f"{len(gtids)} transactions in {len(names)} files, none twice")

    places = _places(relay, a, random.Random(7))
    expected = _answers(relay, flavour, places)
    relay.stop()
    shutil.rmtree(relay.data_dir / "main" / "index")
    relay.offline("verify")
    relay.start()
    relay_has(relay, a)
    assert _answers(relay, flavour, places) == expected
    stage.say(f"{len(places)} starts answered as before when the index was deleted; verified")
    return relay


def _stored_files_are_of(stage, relay, a):
    files = [compare.same_generation(relay, generation, a) for generation in (1, 3)]
    assert all(files), files
    stage.say(f"{sum(files)} stored files are {a.name}'s")


def mysql_failover(stage):
    stage.needs_relay()
    a = stage.mysql("a", replica_parallel_workers=4, replica_preserve_commit_order="OFF")
    b = stage.mysql("b", log_bin="other-bin", replica_parallel_workers=4, replica_preserve_commit_order="OFF")
    relay = _there_and_back(stage, a, b, stage.mysql)
    relay.source = a
    copies = raw_copies(a, "mysqlbinlog", relay, relay.port, relay.user, relay.password, relay.binlog_names()[0],
                        "--get-server-public-key")
    assert list(copies) == relay.binlog_names()
    for copy in copies.values():
        a.run_client("mysqlbinlog", "--no-defaults", "--verify-binlog-checksum", a.inside(copy))
    stage.say(f"mysqlbinlog reads its {len(copies)} raw copies")
    _stored_files_are_of(stage, relay, a)


def mariadb_failover(stage):
    stage.needs_relay()
    options = {"log_slave_updates": "ON", "slave_parallel_threads": 4, "binlog_format": "ROW"}
    a = stage.mariadb("a", series="10.11", **options)
    b = stage.mariadb("b", series="10.11", log_bin="other-bin", **options)
    relay = _there_and_back(stage, a, b, lambda name: stage.mariadb(name, series="10.11"))
    _stored_files_are_of(stage, relay, a)


# ---- what does not continue the log


def _source_status(relay):
    return relay.status()["streams"][0]["source"]


def _refused(relay, *words):
    """Waits until the source is refused; the reason, which has these words in it."""
    def told():
        status = _source_status(relay)
        return status["state"] == "refused" and all(word in status["last_error"] for word in words)
    wait_until(lambda: f"the source is refused for {words}: {_source_status(relay)}\n{relay.log_tail()}", told, 60, 0.3)
    return _source_status(relay)["last_error"]


def _follows_again(relay):
    """A refused source is tried again twice a minute; a restart tries at once."""
    relay.restart()
    wait_until(lambda: f"the relay streams: {_source_status(relay)}\n{relay.log_tail()}",
               lambda: _source_status(relay)["state"] == "streaming", 60, 0.3)


def _io_error(replica, *words, or_else=None):
    def told():
        errors = " ".join(replica.replica_errors())
        return "1236" in errors and (all(word in errors for word in words) or or_else is not None and or_else in errors)
    wait_until(lambda: f"{replica.name} stops with 1236 {words}\n{replica.replica_status()}", told, 60, 0.3)


def _switch(relay, *more, check=True):
    done = relay.command("switch-source", "--config", relay.config, *more, check=check)
    return (done.stdout + done.stderr).decode()


def _serves(stage, relay, replica, checksums):
    """A replica that comes now gets everything the relay holds."""
    follow(replica, relay, "gtid")
    wait_until(lambda: f"{replica.name} has what the relay holds\n{replica.replica_status()}",
               lambda: not replica.replica_errors() and replica.checksum_tables() == checksums, 60, 0.3)
    stage.say("serving goes on: a new replica got everything")


def _new_history_holds(stage, relay, source, fresh):
    """The relay follows the source as it is now, and a new replica does, too."""
    Workload(source).small(30, "after")
    relay_has(relay, source)
    relay.source = source
    follow(fresh, relay, "gtid")
    fresh.wait_replica_caught_up(source)
    compare.same_tables(source, fresh)
    names = relay.binlog_names()
    assert [int(name.rpartition(".")[2]) for name in names] == list(range(int(names[0].rpartition(".")[2]),
                                                                          int(names[0].rpartition(".")[2]) + len(names)))
    relay.stop()
    relay.offline("verify")
    relay.start()
    assert relay.binlog_names() == names
    stage.say(f"a new history with {names[-1]}; verified, and the same after a restart")


def _reset_and_foreign(stage, source, foreign, replica, late, fresh, reset):
    relay = stage.relay(source)
    follow(replica, relay, "gtid")
    Workload(source).small(50)
    source.sql("FLUSH BINARY LOGS")
    Workload(source).small(50)
    replica.wait_replica_caught_up(source)
    relay.caught_up_with(source)
    checksums = source.checksum_tables()

    Workload(foreign).small(20)
    relay.stop()
    relay.source = foreign
    relay.start()
    stage.say("a foreign source: " + _refused(relay, "none of the transactions", "binrelay switch-source"))
    relay.stop()
    relay.source = source
    relay.start()
    _serves(stage, relay, late, checksums)

    for table in source.tables():
        source.unlogged(f"DROP TABLE {table}")
    source.unlogged(*(f"DROP DATABASE IF EXISTS {name}" for name in ("work", "lab")))
    source.sql(reset)
    stage.say(f"after {reset}: " + _refused(relay, "binrelay switch-source"))
    stage.say(_switch(relay).strip())
    _follows_again(relay)
    Workload(source).small(5)
    _io_error(replica, "binrelay")
    stage.say("its old replica: " + " ".join(replica.replica_errors()))
    _new_history_holds(stage, relay, source, fresh)


def mysql_reset(stage):
    stage.needs_relay()
    _reset_and_foreign(stage, stage.mysql("source"), stage.mysql("foreign"), stage.mysql("replica"), stage.mysql("late"),
                       stage.mysql("fresh"), "RESET BINARY LOGS AND GTIDS")


def mariadb_reset(stage):
    stage.needs_relay()
    _reset_and_foreign(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb("foreign"),
                       stage.mariadb("replica"), stage.mariadb("late"), stage.mariadb("fresh"), "RESET MASTER")


def _apply(server, path):
    """mysqlbinlog FILE | mysql, with the server's own programs."""
    binlog, client = (("mysqlbinlog", "mysql") if server.flavour == "mysql" else ("mariadb-binlog", "mariadb"))
    server.run_client("/bin/sh", "-c", f"{binlog} --no-defaults {server.inside(path)} | {client} --no-defaults "
                      f"--host=127.0.0.1 --port={server.port} --user={server.user} --password={server.password}")


def _left_behind(a, b, relay):
    """b lacks what a has sent to the relay when a goes away; the last transaction both have."""
    attach(b, a)
    Workload(a).small(60)
    b.wait_replica_caught_up(a)
    detach(b)
    both = executed_gtids(b, b.flavour)
    Workload(a).small(40)
    a.sql("FLUSH BINARY LOGS")
    Workload(a).small(20, "late")
    relay_has(relay, a)
    a.kill()
    return both


def _missing_text(flavour, both, held):
    if flavour == "mariadb":
        return held
    uuid, _, last = both.rpartition(":")
    return f"{uuid}:{int(last.split('-')[-1]) + 1}-{held.split('-')[-1]}"


def _fewer(stage, a, b, replica, late):
    """The relay holds more than b, the only source left; (relay, the file with the rest, the last GTID both have)."""
    flavour = a.flavour
    relay = relay_before(stage, a, b)
    follow(replica, relay, "gtid")
    both = _left_behind(a, b, relay)
    held = executed_gtids(relay, flavour)
    wait_until(lambda: f"{replica.name} has everything", lambda: replica.has_transactions_of(_Executed(held)), 60)
    checksums = replica.checksum_tables()
    reason = _refused(relay, "has fewer transactions", _missing_text(flavour, both, held), "export --missing-on",
                      "switch-source --accept-loss-after")
    stage.say(reason)
    relay.source = b
    folder = b.scratch("missing")
    relay.restart()
    _serves(stage, relay, late, checksums)
    said = _switch(relay, "--source", address(b), check=False)
    assert "binrelay export --missing-on" in said and "--accept-loss-after" in said, said
    done = relay.command("export", "--config", relay.config, "--missing-on", address(b), "-o", folder / "missing.binlog")
    stage.say(done.stdout.decode().strip())
    return relay, folder / "missing.binlog", both


class _Executed:
    """Stands for a source that has executed this."""
    gtid = True

    def __init__(self, gtids):
        self._gtids = gtids

    def gtid_executed(self):
        return self._gtids


def _fewer_then_exported(stage, make):
    a, b = make("a", log_slave=True), make("b", log_slave=True)
    replica, late = make("replica"), make("late")
    relay, missing, _ = _fewer(stage, a, b, replica, late)
    missing.chmod(0o644)
    _apply(b, missing)
    _follows_again(relay)
    Workload(b).small(30, "after")
    for each in (replica, late):
        each.wait_replica_caught_up(b)
    compare.same_tables(b, replica, late)
    gtids = gtids_from_file(relay, b.flavour, relay.binlog_names()[0])
    assert len(gtids) == len(set(gtids))
    stage.say(f"b has them now: replicas are equal, {len(gtids)} transactions once each")


def _fewer_then_given_up(stage, make):
    a, b = make("a", log_slave=True), make("b", log_slave=True)
    replica, late, fresh = make("replica"), make("late"), make("fresh")
    relay, _, both = _fewer(stage, a, b, replica, late)
    if b.flavour == "mysql":
        uuid, _, last = both.rpartition(":")
        last = int(last.split("-")[-1])
        wrong, right = f"{uuid}:{last + 1}", f"{uuid}:{last}"
    else:
        domain, server, last = both.split("-")
        wrong, right = f"{domain}-{server}-{int(last) + 1}", both
    said = _switch(relay, "--source", address(b), "--accept-loss-after", wrong, check=False)
    assert "the source does not have" in said, said
    stage.say(_switch(relay, "--source", address(b), "--accept-loss-after", right).strip())
    _follows_again(relay)
    Workload(b).small(30, "after")
    _io_error(replica, "binrelay")
    stage.say("its old replica: " + " ".join(replica.replica_errors()))
    _new_history_holds(stage, relay, b, fresh)


def _mysql_maker(stage):
    return lambda name, log_slave=False: stage.mysql(name)


def _mariadb_maker(stage):
    def make(name, log_slave=False):
        return stage.mariadb(name, binlog_format="ROW", **({"log_slave_updates": "ON"} if log_slave else {}))
    return make


def mysql_exported(stage):
    stage.needs_relay()
    _fewer_then_exported(stage, _mysql_maker(stage))


def mysql_given_up(stage):
    stage.needs_relay()
    _fewer_then_given_up(stage, _mysql_maker(stage))


def mariadb_exported(stage):
    stage.needs_relay()
    _fewer_then_exported(stage, _mariadb_maker(stage))


def mariadb_given_up(stage):
    stage.needs_relay()
    _fewer_then_given_up(stage, _mariadb_maker(stage))


def _restored(stage, source, fresh):
    """A source restored from an older copy re-uses its file names and its GTIDs."""
    flavour = source.flavour
    relay = stage.relay(source)
    backup = source.dir / "backup"

    def restore():
        source.stop()
        machine.run(["rm", "-rf", source.datadir])
        machine.run(["cp", "-a", backup, source.datadir])
        source.start()

    Workload(source).small(40)
    relay.caught_up_with(source)
    source.stop()
    machine.run(["cp", "-a", source.datadir, backup])
    source.start()
    Workload(source).small(60)
    relay.caught_up_with(source)
    held = executed_gtids(relay, flavour)
    restore()
    both = executed_gtids(source, flavour)
    stage.say("restored: " + _refused(relay, _missing_text(flavour, both, held),
                                      "`binrelay switch-source --accept-loss-after GTID`"))
    said = _switch(relay, check=False)
    assert "--accept-loss-after GTID" in said, said
    last = both if flavour == "mariadb" else both.replace(":1-", ":")
    stage.say(_switch(relay, "--accept-loss-after", last).strip())
    _follows_again(relay)
    Workload(source).small(60, "second")
    relay_has(relay, source)

    restore()
    Workload(source).small(120, "other")
    relay.restart()
    stage.say("restored and grown: " + _refused(relay, "differs from the stored one", "`binrelay switch-source` "))
    stage.say(_switch(relay).strip())
    _follows_again(relay)
    _new_history_holds(stage, relay, source, fresh)


def mysql_restored(stage):
    stage.needs_relay()
    _restored(stage, stage.mysql("source"), stage.mysql("fresh"))


def mariadb_restored(stage):
    stage.needs_relay()
    _restored(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb("fresh"))


def _taken_over_behind_a_gap(stage, a, b, replica):
    """The source that takes over has everything the relay holds, but has purged what follows."""
    relay = relay_before(stage, a, b)
    follow(replica, relay, "gtid")
    attach(b, a)
    Workload(a).small(30)
    b.wait_replica_caught_up(a)
    relay_has(relay, a)
    replica.wait_replica_caught_up(a)
    relay.stop()
    a.stop()
    detach(b)
    Workload(b).small(30, "unseen")
    b.sql("FLUSH BINARY LOGS")
    Workload(b).small(5, "kept")

    def purged():
        b.sql(f"PURGE BINARY LOGS TO '{b.binlog_names()[-1]}'")
        return len(b.binlog_names()) == 1
    wait_until("what the relay lacks is purged", purged, 30, 0.3)
    relay.start_again()
    stage.say(_refused(relay, "they were purged", "`binrelay switch-source` "))
    relay.source = b
    stage.say(_switch(relay, "--source", address(b)).strip())
    _follows_again(relay)
    # It may be back just before the new history begins, and is there when the old one ends.
    _io_error(replica, "purged", or_else="a history of the source ends with")
    stage.say("its old replica: " + " ".join(replica.replica_errors()))
    Workload(b).small(30, "after")
    relay_has(relay, b)
    relay.stop()
    relay.offline("verify")


def mysql_taken_over_behind_a_gap(stage):
    stage.needs_relay()
    make = _mysql_maker(stage)
    _taken_over_behind_a_gap(stage, make("a"), make("b"), make("replica"))


def mariadb_taken_over_behind_a_gap(stage):
    stage.needs_relay()
    make = _mariadb_maker(stage)
    _taken_over_behind_a_gap(stage, make("a", log_slave=True), make("b", log_slave=True), make("replica"))


def mysql_settings_change(stage):
    """Online on the source; the relay says so without a new connection, and lets replicas in as the source does."""
    stage.needs_relay()
    source = stage.mysql("source", gtid_mode="OFF_PERMISSIVE", enforce_gtid_consistency="ON")
    relay = stage.relay(source)
    relay.caught_up_with(source)
    ask, nothing = "SELECT @@global.gtid_mode, @@global.binlog_row_image", [f"{source.sql('SELECT UUID()')[0][0]}:1"]

    def answers(server):
        return server.sql(ask), _answers(server, "mysql", nothing)
    refused = answers(source)
    assert "OFF_PERMISSIVE" in str(refused[1]) and answers(relay) == refused, (answers(relay), refused)
    source.sql("SET GLOBAL gtid_mode = ON_PERMISSIVE")
    source.sql("SET GLOBAL gtid_mode = ON")
    source.sql("SET GLOBAL binlog_row_image = 'MINIMAL'")
    Workload(source).small(5)
    relay.caught_up_with(source)
    wait_until(lambda: f"the relay says what the source says: {answers(relay)}, {answers(source)}",
               lambda: answers(relay) == answers(source), 20, 0.3)
    assert answers(relay) != refused and relay.log_tail(1000).count("connected to") == 1, relay.log_tail()
    stage.say(f"the relay follows: {answers(relay)}")


scenario.main(mysql_settings_change, mysql_failover, mariadb_failover, mysql_reset, mariadb_reset, mysql_restored, mariadb_restored, mysql_exported,
              mysql_given_up, mariadb_exported, mariadb_given_up, mysql_taken_over_behind_a_gap,
              mariadb_taken_over_behind_a_gap)
