"""Everything goes wrong at once, again and again, and nobody helps: nothing is lost, nothing comes twice.

Two replicas, one by GTID and one by file and position, follow a relay in front of a source and its standby. While
clients write and files rotate, the relay and the source are killed, connections are cut and swallowed, files are purged
by rule and by statement, and the source fails over to the standby and back.
"""

import os
import pathlib
import random
import re
import sys
import threading
import time

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import compare  # noqa: E402
import scenario  # noqa: E402
from lab import Relay  # noqa: E402
from lab.machine import wait_until  # noqa: E402
from proxy import Proxy  # noqa: E402
from replication import address, attach, detach, executed_gtids, follow, gtids_from_file, relay_has, settle  # noqa: E402
from workload import Workload  # noqa: E402

# Of one round; --full plays ten of them with the same servers.
RELAY_KILLS, SOURCE_KILLS, CUTS, PURGES = 50, 5, 10, 8
# (between which two, seconds). The relay gives a silent source up after 1 s, a replica a silent relay after 4 s.
HOLES = [("sources", 0.6), ("sources", 1.5), ("sources", 5), ("replicas", 1.5), ("replicas", 7)]
ROUNDS_OF_FULL = 10
SEED = int(os.environ.get("BINRELAY_TEST_SEED", 20261122))

PURGER = "purger"
MAX_BYTES = 4_000_000
REPLICA_GIVES_UP_S = 4
ERROR_1236 = re.compile(r"(error|code:|errno=) ?1236\b")


class Load:
    """Clients that write to the current source all the time; when it is away, they try again."""

    def __init__(self, source, writers=4):
        self._source = source
        self.committed = [0] * writers
        self._writing = threading.Event()
        self._turns = [threading.Lock() for _ in range(writers)]  # held during a transaction
        source.sql("CREATE DATABASE load_of_clients")
        for number in range(writers):
            source.sql(f"CREATE TABLE load_of_clients.rows_{number} (id INT AUTO_INCREMENT PRIMARY KEY, body LONGTEXT)")
            threading.Thread(target=self._write, args=(number,), daemon=True).start()

    def go_on(self, source):
        self._source = source
        self._writing.set()

    def pause(self):
        """Returns when nobody writes any more."""
        self._writing.clear()
        for turn in self._turns:
            with turn:
                pass

    def _write(self, number):
        chance, connection, connected_to = random.Random(SEED + number), None, None
        while True:
            self._writing.wait()
            with self._turns[number]:
                if not self._writing.is_set():
                    continue
                try:
                    if connection is None or connected_to is not self._source:
                        connected_to = self._source
                        connection = connected_to.connect("load_of_clients", connect_timeout=5, read_timeout=30)
                    with connection.cursor() as cursor:
                        self._transaction(cursor.execute, f"rows_{number}", chance)
                    self.committed[number] += 1
                except (pymysql.err.MySQLError, OSError):
                    connection = None  # it has been killed
            time.sleep(chance.uniform(0, 0.02))

    @staticmethod
    def _transaction(run, table, chance):
        kind = chance.random()
        if kind < 0.8:
            run(f"INSERT INTO {table} (body) VALUES (REPEAT('small ', {chance.randrange(60)}))")
        elif kind < 0.92:
            run("BEGIN")
            for _ in range(chance.randrange(2, 20)):
                run(f"INSERT INTO {table} (body) VALUES (REPEAT('more ', {chance.randrange(200)}))")
            run(f"UPDATE {table} SET body = CONCAT(body, '.') ORDER BY id DESC LIMIT 5")
            run("COMMIT")
        elif kind < 0.95:
            run(f"INSERT INTO {table} (body) VALUES (REPEAT('large ', {chance.randrange(20_000)}))")
        elif kind < 0.951:
            run(f"INSERT INTO {table} (body) VALUES (REPEAT('huge ', {chance.randrange(2_000_000)}))")
        elif kind < 0.97:
            run(f"DELETE FROM {table} ORDER BY id LIMIT 60")
        elif kind < 0.98:
            run(f"DROP TABLE IF EXISTS of_{table}")
            run(f"CREATE TABLE of_{table} LIKE {table}")
        else:
            run("FLUSH BINARY LOGS")


class RelayKiller:
    """kill -9 at random moments and an immediate start, as often as allowed so far.

    Its thread stays: a relay goes when the thread that started it has ended (see lab.machine.Process).
    """

    def __init__(self, relay):
        self.killed, self._allowed = 0, 0
        self._relay, self._chance, self._failure = relay, random.Random(SEED), None
        threading.Thread(target=self._run, daemon=True).start()

    def allow(self, kills):
        """So many in all."""
        self._allowed = kills

    def wait(self):
        """Until all that is allowed has happened."""
        wait_until(lambda: f"{self._allowed} kills, now {self.killed}", self._done, 120)

    def _done(self):
        if self._failure:
            raise self._failure
        return self.killed >= self._allowed

    def _run(self):
        while True:
            time.sleep(self._chance.uniform(*self._chance.choice([(0, 0.2), (0, 1), (0, 1), (1, 3.5)])))
            if self.killed < self._allowed and not self._failure:
                try:
                    self._kill()
                except Exception as failure:
                    self._failure = failure

    def _kill(self):
        assert self._relay.alive(), f"the relay ended by itself\n{self._relay.log_tail(60)}"
        self._relay.kill()
        self._relay.start_again(wait=self._chance.random() < 0.7)  # else the next kill may come before it serves
        self.killed += 1


class Ordeal:
    """One relay, whom it knows, and what can happen to them."""

    def __init__(self, stage, a, b, make_replica):
        self.stage, self.chance = stage, random.Random(SEED)
        self.source, self.standby = a, b
        self.to_sources = {server: stage.enter(Proxy(f"proxy to {server.name}", server.port)) for server in (a, b)}
        self.relay = self._make_relay(a, b)
        self.to_relay = stage.enter(Proxy("proxy to the relay", self.relay.port))
        self.by_gtid, self.by_file = make_replica("by_gtid"), make_replica("by_file")
        attach(b, a)
        port = "SOURCE_PORT" if a.flavour == "mysql" else "MASTER_PORT"
        for replica, mode in ((self.by_gtid, "gtid"), (self.by_file, "file")):
            follow(replica, self.relay, mode, **{port: self.to_relay.port})
        self.happened, self.files_compared = {}, 0
        self.load = Load(a)
        self.killer = RelayKiller(self.relay)
        for replica in self.replicas():
            replica.wait_replica_caught_up(a)
        time.sleep(1.5)  # retention looks once a second whom it has to wait for from now on

    def _make_relay(self, a, b):
        relay = Relay(a, retention={"max_bytes": MAX_BYTES},
                      source_settings={"sources": [address(proxy) for proxy in self.to_sources.values()], "host": None,
                                       "port": None, "heartbeat_ms": 300, "connect_timeout_ms": 2000})
        relay.add_account(PURGER, may_purge=True)
        self.stage.enter(relay)
        b.add_replication_account(relay.name, relay.source_password())
        return relay

    def replicas(self):
        return self.by_gtid, self.by_file

    # ---- what happens

    def play(self):
        """A round: all its events, with kills of the relay between and during them."""
        before = self.killer.killed
        events = [self.kill_source] * SOURCE_KILLS + [self.purge] * PURGES
        events += [self.cut_sources, self.cut_replicas] * (CUTS // 2)
        events += [lambda hole=hole: self.black_hole(*hole) for hole in HOLES]
        self.chance.shuffle(events)
        for part in (2, 1):
            events.insert(len(events) * part // 3, self.fail_over)
        self.load.go_on(self.source)
        for done, event in enumerate(events, 1):
            self.killer.allow(before + RELAY_KILLS * done // len(events))
            event()
            self.killer.wait()
            self.nobody_gave_up()
            self.same_files()
        self.load.pause()

    def _note(self, what):
        self.happened[what] = self.happened.get(what, 0) + 1
        self.stage.say(f"{self.killer.killed:3} kills  {what}")

    def kill_source(self):
        self._note("the source is killed")
        self.source.kill()
        self.source.start()

    def _proxy_in_use(self):
        return max(self.to_sources.values(), key=lambda proxy: proxy.open_connections)

    def cut_sources(self):
        self._note("a connection to a source is cut")
        self._proxy_in_use().cut()

    def cut_replicas(self):
        self._note("the replicas' connections are cut")
        self.to_relay.cut()

    def black_hole(self, where, seconds):
        self._note(f"black hole between relay and {where}, {seconds} s")
        proxy = self._proxy_in_use() if where == "sources" else self.to_relay
        if seconds >= REPLICA_GIVES_UP_S:
            self.killer.wait()  # a relay that lives through it has to notice it
        proxy.black_hole()
        time.sleep(seconds)
        proxy.end_of_hole()

    def purge(self):
        """To the file that both replicas have reached."""
        column = "Source_Log_File" if self.source.flavour == "mysql" else "Master_Log_File"
        problem = []

        def purged():
            reached = min(replica.replica_status()[column] for replica in self.replicas())
            try:
                with self.relay.connect(user=PURGER) as connection, connection.cursor() as cursor:
                    cursor.execute(f"PURGE BINARY LOGS TO '{reached}'")
            except pymysql.err.MySQLError as error:
                problem[:] = [reached, error]
                return False
            return True
        self._note("files are purged")
        wait_until(lambda: f"a purge succeeds: {problem}\n{self.relay.log_tail()}", purged, 30, 0.1)

    def fail_over(self):
        """The standby takes over; the source that was comes back as its standby."""
        old, new = self.source, self.standby
        self._note(f"{old.name} fails over to {new.name}")
        self.load.pause()
        new.wait_replica_caught_up(old)
        old.kill()
        detach(new)
        self.load.go_on(new)
        wait_until(lambda: f"the relay follows {new.name}\n{self.relay.log_tail(40)}", lambda: self._follows(new), 90)
        old.start()
        attach(old, new)
        self.source, self.standby = new, old

    def _follows(self, server):
        try:
            source = self.relay.status()["streams"][0]["source"]
        except RuntimeError:
            return False  # it has just been killed
        return source["port"] == self.to_sources[server].port and source["state"] == "streaming"

    # ---- what must be true

    def nobody_gave_up(self):
        for replica in self.replicas():
            assert not replica.replica_errors(), f"{replica.name}: {replica.replica_errors()}"

    def all_equal(self):
        """Everybody catches up by themselves."""
        for server in (self.standby, *self.replicas()):
            server.wait_replica_caught_up(self.source, 120)
        relay_has(self.relay, self.source)
        tables = compare.same_tables(self.source, self.standby, *self.replicas())
        compare.same_gtids(self.source, self.standby, *self.replicas())
        for replica in self.replicas():
            found = ERROR_1236.search(replica.log.read_text(errors="replace"))
            assert not found, f"{replica.name} was told 1236:\n{replica.log_tail(1000)}"
        self.stage.say(f"{tables} tables and all transactions equal at source, standby and two replicas; no error 1236")

    def nothing_twice_no_gap(self):
        """In what is kept: every transaction of the log is in it or in what was purged, once."""
        flavour, names = self.source.flavour, self.relay.binlog_names()
        numbers = [int(name.rpartition(".")[2]) for name in names]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), names
        gtids = gtids_from_file(self.relay, flavour, names[0])
        assert len(gtids) == len(set(gtids)), f"{len(gtids) - len(set(gtids))} transactions are sent twice"
        if flavour == "mysql":
            purged = self.relay.sql("SELECT @@global.gtid_purged")[0][0]
            kept = self.source.value("SELECT GTID_SUBTRACT(%s, %s)", executed_gtids(self.relay, flavour), purged)
            kept = count_of(kept)
            assert kept == len(gtids), f"{kept} transactions are kept, {len(gtids)} are sent"
        else:
            sequence = [number for _, _, number in gtids]
            assert sequence == list(range(sequence[0], sequence[0] + len(sequence))), "the sequence numbers have a gap"
        assert numbers[0] > 1, "nothing was purged"
        self.stage.say(f"{len(gtids)} transactions in {names[0]} to {names[-1]}, none twice, none missing")

    def same_files(self):
        """What is kept now is the sources'; (files, generations)."""
        of_series = {server.options.get("log_bin", "binlog"): server for server in self.to_sources}
        files = generations = 0
        for folder in (self.relay.data_dir / self.relay.stream_name / "segments").iterdir():
            series = {path.name.partition(".")[0] for path in folder.iterdir()}
            assert len(series) < 2, f"{folder} holds files of {series}"
            for name in series:  # a purged generation has none
                files += compare.same_generation(self.relay, folder.name, of_series[name])
                generations += 1
        self.files_compared += files
        return files, generations

    def end(self):
        self.relay.stop()
        self.relay.offline("verify")
        self.stage.say("at the end {} files of {} generation(s); verified".format(*self.same_files()))


def count_of(gtids):
    """How many a MySQL set holds."""
    runs = [run.partition("-") for part in gtids.split(",") if part for run in part.strip().split(":")[1:]]
    return sum(int(last or first) - int(first) + 1 for first, _, last in runs)


def _interrupted(stage, a, b, make_replica):
    stage.needs_relay()
    ordeal = Ordeal(stage, a, b, make_replica)
    for _ in range(ROUNDS_OF_FULL if stage.full else 1):
        ordeal.play()
        ordeal.all_equal()
    ordeal.nothing_twice_no_gap()
    ordeal.end()
    stage.say(f"{sum(ordeal.load.committed)} transactions; the relay was killed {ordeal.killer.killed} times; "
              f"{ordeal.happened}; {ordeal.files_compared} times a stored file was compared with its source's")


def mysql_interrupted(stage):
    options = {"replica_parallel_workers": 4, "replica_preserve_commit_order": "OFF"}
    _interrupted(stage, stage.mysql("a", **options), stage.mysql("b", log_bin="other-bin", **options),
                 lambda name: stage.mysql(name, replica_net_timeout=REPLICA_GIVES_UP_S, log_replica_updates="OFF"))


def mariadb_interrupted(stage):
    # A MariaDB replica by file and position does not survive a cut between two row events of one statement, whoever its
    # source is (error 1595, "did not receive an expected Rows-log end-of-statement"): one event has all rows here.
    options = {"series": "10.11", "log_slave_updates": "ON", "slave_parallel_threads": 4, "binlog_format": "ROW",
               "binlog_row_event_max_size": "512M"}
    _interrupted(stage, stage.mariadb("a", **options), stage.mariadb("b", log_bin="other-bin", **options),
                 lambda name: stage.mariadb(name, series="10.11", slave_net_timeout=REPLICA_GIVES_UP_S))


def _source_lost_between_files(stage, source, by_gtid, by_file):
    """The relay's log ends with a ROTATE: replicas are in a file that has yet to come, and heartbeats have to say so."""
    stage.needs_relay()
    relay = stage.relay(source)
    Workload(source).small(30)
    source.sql("FLUSH BINARY LOGS")
    relay.caught_up_with(source)
    *_, last, to_come = relay.binlog_names()
    source.kill()
    relay.kill()
    os.truncate(relay.segment_files()[to_come], 4)  # as if its head had not been received
    relay.start_again()
    assert relay.binlog_names()[-1] == last, f"{relay.binlog_names()}\n{relay.log_tail()}"
    for replica, mode in ((by_gtid, "gtid"), (by_file, "file")):
        follow(replica, relay, mode, file="binlog.000001")
    column = "Source_Log_File" if source.flavour == "mysql" else "Master_Log_File"
    for replica in (by_gtid, by_file):
        wait_until(lambda: f"{replica.name} has read {last}: {replica.replica_status()}",
                   lambda: replica.replica_status()[column] == to_come, 30)
    time.sleep(REPLICA_GIVES_UP_S + 1)  # heartbeats come twice in the time after which a replica gives up
    for replica in (by_gtid, by_file):
        assert not replica.replica_errors(), f"{replica.name}: {replica.replica_errors()}"
    source.start()
    settle(stage, source, relay, by_gtid, by_file)


def _mysql_replicas(stage):
    return [stage.mysql(name, replica_net_timeout=REPLICA_GIVES_UP_S) for name in ("by_gtid", "by_file")]


def _mariadb_replicas(stage):
    return [stage.mariadb(name, series="10.11", slave_net_timeout=REPLICA_GIVES_UP_S) for name in ("by_gtid", "by_file")]


def mysql_source_lost_between_files(stage):
    _source_lost_between_files(stage, stage.mysql("source"), *_mysql_replicas(stage))


def mariadb_source_lost_between_files(stage):
    _source_lost_between_files(stage, stage.mariadb("source", series="10.11"), *_mariadb_replicas(stage))


def _write_files(source, count):
    for _ in range(count):
        source.sql("INSERT INTO work.small (text) VALUES ('x')")
        source.sql("FLUSH BINARY LOGS")


def _sent_is_not_received(stage, source, by_gtid, by_file):
    """What lies in the relay's buffers when its replicas are cut off is kept for them, whatever the rules say."""
    stage.needs_relay()
    relay = stage.enter(Relay(source, retention={"max_bytes": 20_000}))
    to_relay = stage.enter(Proxy("proxy to the relay", relay.port))
    port = "SOURCE_PORT" if source.flavour == "mysql" else "MASTER_PORT"
    for replica, mode in ((by_gtid, "gtid"), (by_file, "file")):
        follow(replica, relay, mode, **{port: to_relay.port})
    Workload(source).small(1)
    _write_files(source, 60)
    for replica in (by_gtid, by_file):
        replica.wait_replica_caught_up(source)
    wait_until(lambda: f"files go by rule: {relay.binlog_names()}", lambda: "binlog.000001" not in relay.binlog_names(), 30)
    to_relay.black_hole()
    _write_files(source, 100)
    relay.caught_up_with(source)
    time.sleep(REPLICA_GIVES_UP_S + 2)
    stage.say(f"swallowed: {relay.status()['streams'][0]['consumers'][0]['file']} was sent, "
              f"{relay.binlog_names()[0]} and later files are kept")
    to_relay.end_of_hole()
    for replica in (by_gtid, by_file):
        replica.wait_replica_caught_up(source, 60)
    compare.same_tables(source, by_gtid, by_file)
    stage.say("both replicas got it after all")
    wait_until(lambda: f"the log is small again: {relay.binlog_names()}",
               lambda: relay.status()["streams"][0]["log"]["bytes"] <= 20_000, 30)


def mysql_sent_is_not_received(stage):
    _sent_is_not_received(stage, stage.mysql("source"), *_mysql_replicas(stage))


def mariadb_sent_is_not_received(stage):
    _sent_is_not_received(stage, stage.mariadb("source", series="10.11"), *_mariadb_replicas(stage))


REGISTERS = b"\0\0\0\x15"  # COM_REGISTER_SLAVE: the last thing before the dump


def _session_lost_unnoticed(stage, source, replica, words):
    """A replica's connection is lost between two statements; client libraries open it anew and tell nobody."""
    stage.needs_relay()
    relay = stage.relay(source)
    to_relay = stage.enter(Proxy("proxy to the relay", relay.port))
    readable = {"SOURCE_PORT": to_relay.port, "SOURCE_SSL": 0} if source.flavour == "mysql" else {"MASTER_PORT": to_relay.port}
    follow(replica, relay, "gtid", **readable)
    for word in words:
        Workload(source).small(5)
        replica.wait_replica_caught_up(source)
        before = to_relay.cuts_behind
        to_relay.cut_behind_answer_to(word, replica)
        to_relay.cut()
        wait_until(f"the connection was lost behind {word}", lambda: to_relay.cuts_behind == before + 1, 60)
        Workload(source).small(5)
        replica.wait_replica_caught_up(source, 60)
        stage.say(f"lost behind the answer to {word}; the replica goes on")
    compare.same_tables(source, replica)
    assert "1236" not in replica.log_tail(1000), replica.log_tail(1000)
    return relay


def mysql_session_lost_unnoticed(stage):
    _session_lost_unnoticed(stage, stage.mysql("source"), _mysql_replicas(stage)[0],
                            [b"heartbeat_period", b"SET @master_binlog_checksum", b"SELECT @source_binlog_checksum",
                             b"@replica_uuid", REGISTERS])


def mariadb_session_lost_unnoticed(stage):
    relay = _session_lost_unnoticed(
        stage, stage.mariadb("source", series="10.11"), _mariadb_replicas(stage)[0],
        [b"heartbeat_period", b"SET @master_binlog_checksum", b"SELECT @master_binlog_checksum",
         b"@mariadb_slave_capability", b"@slave_connect_state", REGISTERS])
    assert "1317" in relay.log_tail(1000), "the client library did not open it anew: this shows nothing"


scenario.main(mysql_interrupted, mariadb_interrupted, mysql_source_lost_between_files, mariadb_source_lost_between_files,
              mysql_sent_is_not_received, mariadb_sent_is_not_received, mysql_session_lost_unnoticed,
              mariadb_session_lost_unnoticed)
