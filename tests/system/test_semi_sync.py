"""The relay as a semi-synchronous replica: what the source's clients were told is committed, the relay has."""

import pathlib
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import pymysql  # noqa: E402
import scenario  # noqa: E402
from dump_client import DumpClient  # noqa: E402
from lab import Relay  # noqa: E402
from lab.machine import Unavailable, scratch, wait_until  # noqa: E402
from replication import attach, detach, relay_before, relay_has  # noqa: E402

MARK = re.compile(rb"\[(\d{12})\]")
WRITERS = 4


class SemiSync:
    """A source's semi-synchronous replication under the names its server gives it."""

    def __init__(self, server):
        self.server = server
        self.word = "source" if server.flavour == "mysql" else "master"

    def switch_on(self, timeout_ms):
        self.server.sql(f"SET GLOBAL rpl_semi_sync_{self.word}_timeout = {timeout_ms}")
        self.server.sql(f"SET GLOBAL rpl_semi_sync_{self.word}_enabled = 1")

    def go_on_without_replicas(self):
        replica = "replica" if self.server.flavour == "mysql" else "slave"
        self.server.sql(f"SET GLOBAL rpl_semi_sync_{self.word}_wait_no_{replica} = OFF")

    def status(self, name):
        return self.server.sql(f"SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_{self.word}_{name}'")[0][1]

    def wait_for_replica(self):
        wait_until("the source sees a semi-synchronous replica",
                   lambda: self.status("clients") == "1" and self.status("status") == "ON", 60)


def _table(source):
    source.sql("CREATE DATABASE work")
    source.sql("CREATE TABLE work.marks (id INT AUTO_INCREMENT PRIMARY KEY, mark CHAR(20))")


class Writers:
    """Threads that commit marks; `committed` are those whose clients were told so."""

    def __init__(self, source):
        self.committed = []
        self._stopping = False
        self._threads = [threading.Thread(target=self._write, args=(source, number)) for number in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def _write(self, source, number):
        connection = source.connect("work")
        with connection.cursor() as cursor:
            for count in range(10**9):
                if self._stopping:
                    return
                mark = f"{number}{int(time.time()) % 100000:05}{count:06}"
                try:
                    cursor.execute(f"INSERT INTO marks (mark) VALUES ('[{mark}]')")
                except pymysql.err.MySQLError:
                    return  # the source has been killed
                self.committed.append(mark)

    def stop(self):
        self._stopping = True
        for thread in self._threads:
            thread.join()


def _marks_in(relay, is_mysql, file, position):
    found = set()
    for event in DumpClient(relay.connect, is_mysql).from_file(file, position):
        found.update(mark.decode() for mark in MARK.findall(event))
    return found


def _acknowledged_is_stored(stage, source):
    stage.needs_relay()
    relay = stage.relay(source, source_settings={"semi_sync": True, "semi_sync_max_sync_ms": 5000})
    _table(source)
    semi_sync, total = SemiSync(source), 0
    for number in range(20):
        relay.caught_up_with(source)
        semi_sync.switch_on(timeout_ms=60000)
        semi_sync.wait_for_replica()
        begin = relay.binlog_position()
        writers = Writers(source)
        wait_until("something is committed", lambda: writers.committed, 30, 0.02)
        time.sleep(0.2 + 0.05 * number)
        assert semi_sync.status("no_tx") == "0" and semi_sync.status("status") == "ON", "it did not wait for the relay"
        source.kill()
        writers.stop()
        assert writers.committed, "nothing was committed"
        # What was acknowledged is on the relay's stable storage: a crash of the relay cannot take it.
        relay_was_killed = number % 2 == 1
        if relay_was_killed:
            relay.kill()
            relay.start_again()
        missing = set(writers.committed) - _marks_in(relay, source.flavour == "mysql", *begin)
        assert not missing, f"round {number + 1}: {len(missing)} acknowledged transactions are lost: {sorted(missing)[:5]}"
        total += len(writers.committed)
        source.start()
    stage.say(f"{number + 1} kills, {total} acknowledged transactions, none lost; "
              f"{relay.status()['streams'][0]['source']['semi_sync']}")


def mysql_acknowledged_is_stored(stage):
    _acknowledged_is_stored(stage, stage.mysql("source", plugin_load_add="semisync_source.so"))


def mariadb_acknowledged_is_stored(stage):
    _acknowledged_is_stored(stage, stage.mariadb("source", binlog_format="ROW"))


def _acknowledged_across_failovers(stage, a, b):
    """Each source in turn is killed under commits that wait for the relay alone; the relay follows, and offers again."""
    stage.needs_relay()
    relay = relay_before(stage, a, b, semi_sync=True, semi_sync_max_sync_ms=5000)
    _table(a)
    attach(b, a)
    total = 0
    failovers = [(a, b), (b, a), (a, b)] if stage.full else [(a, b), (b, a)]
    for source, standby in failovers:
        wait_until(f"the relay follows {source.name}", lambda: _follows(relay, source), 60)
        relay_has(relay, source)
        semi_sync = SemiSync(source)
        semi_sync.switch_on(timeout_ms=60000)
        semi_sync.wait_for_replica()
        begin = relay.binlog_position()
        writers = Writers(source)
        time.sleep(1)
        assert semi_sync.status("no_tx") == "0" and semi_sync.status("status") == "ON", "it did not wait for the relay"
        source.kill()
        writers.stop()
        missing = set(writers.committed) - _marks_in(relay, source.flavour == "mysql", *begin)
        assert writers.committed and not missing, f"{len(missing)} acknowledged transactions of {source.name} are lost"
        total += len(writers.committed)
        source.start()  # for the standby to get the rest
        standby.wait_replica_caught_up(source)
        relay_has(relay, source)
        source.stop()
        detach(standby)
        standby.sql(f"CREATE TABLE work.led_after_{total} (id INT)")
        wait_until(f"the relay follows {standby.name}", lambda: _follows(relay, standby), 60)
        source.start()
        attach(source, standby)
    generation = relay.status()["streams"][0]["log"]["generation"]
    assert generation == 1 + len(failovers), generation
    stage.say(f"{len(failovers)} failovers, {total} acknowledged transactions, none lost")


def _follows(relay, source):
    status = relay.status()["streams"][0]["source"]
    return status["port"] == source.port and status["state"] == "streaming"


def mysql_acknowledged_across_failovers(stage):
    stage.needs_full("mariadb_acknowledged_across_failovers")
    options = {"plugin_load_add": "semisync_source.so"}
    _acknowledged_across_failovers(stage, stage.mysql("a", **options), stage.mysql("b", **options))


def mariadb_acknowledged_across_failovers(stage):
    options = {"log_slave_updates": "ON", "binlog_format": "ROW"}
    _acknowledged_across_failovers(stage, stage.mariadb("a", **options), stage.mariadb("b", **options))


def _slow_disk(stage):
    """A library that makes fdatasync wait while a file exists: (its path, the file)."""
    folder = scratch("slow-sync")
    library = folder / "slow_sync.so"
    code = pathlib.Path(__file__).resolve().parents[1] / "support/slow_sync.cc"
    subprocess.run(["c++", "-O1", "-shared", "-fPIC", "-o", library, code, "-ldl"], check=True)
    return library, folder / "stall"


def _commits(source, seconds, statement="INSERT INTO marks (mark) VALUES ('x')"):
    """How long each commit took, one after the other for so long."""
    took, end = [], time.monotonic() + seconds
    with source.connect("work") as connection, connection.cursor() as cursor:
        while time.monotonic() < end:
            began = time.monotonic()
            cursor.execute(statement)
            took.append(time.monotonic() - began)
            time.sleep(0.02)
    return took


def _semi_sync_of(relay):
    return relay.status()["streams"][0]["source"]["semi_sync"]


def _relay_whose_disk_stalls(stage, source):
    """(The relay, the file that makes its disk stall.)"""
    library, stall = _slow_disk(stage)
    return stage.relay(source, source_settings={"semi_sync": True, "semi_sync_max_sync_ms": 300},
                       # A sanitizer wants to be the first library, but has nothing against this one.
                       environment={"LD_PRELOAD": str(library), "SLOW_SYNC": str(stall),
                                    "ASAN_OPTIONS": "verify_asan_link_order=0"}), stall


def _stalled_disk(stage, source):
    stage.needs_relay()
    relay, stall = _relay_whose_disk_stalls(stage, source)
    _table(source)
    semi_sync = SemiSync(source)
    relay.caught_up_with(source)
    timeout = 1.5
    semi_sync.switch_on(timeout_ms=int(timeout * 1000))
    semi_sync.wait_for_replica()
    for _ in range(5):  # the machine's own disk may stall, too
        before = _commits(source, 2)
        if semi_sync.status("status") == "ON":
            break
        semi_sync.wait_for_replica()
    assert semi_sync.status("status") == "ON"
    gave_up, withdrawn = int(semi_sync.status("no_times")), _semi_sync_of(relay)["withdrawn"]
    stall.touch()
    during = _commits(source, 5)
    stall.unlink()
    waited = [seconds for seconds in during if seconds > timeout * 0.9]
    stage.say(f"commits took {max(before) * 1e3:.0f} ms at most before; in 5 s of a stalled disk {len(during)} commits, "
              f"{len(waited)} waited: {[round(seconds, 2) for seconds in waited]} s")
    assert len(waited) <= 1 and all(seconds < timeout + 1 for seconds in waited), waited
    assert int(semi_sync.status("no_times")) == gave_up + 1, "the source gave up waiting more than once"
    report = _semi_sync_of(relay)
    assert report["withdrawn"] == withdrawn + 1 and not report["active"], report
    assert "semi-sync withdrawn" in relay.log_tail(20)
    relay.caught_up_with(source)
    wait_until("the relay offers again", lambda: semi_sync.status("clients") == "1", 60)
    _commits(source, 0.5)
    semi_sync.wait_for_replica()
    stage.say("the relay offered again by itself")
    _stalled_where_a_file_begins(stage, source, relay, semi_sync, stall, timeout)


def _stalled_where_a_file_begins(stage, source, relay, semi_sync, stall, timeout):
    """The same, but nothing waits for an acknowledgement yet when the disk stalls."""
    gave_up, withdrawn = int(semi_sync.status("no_times")), _semi_sync_of(relay)["withdrawn"]
    waited = []
    for _ in range(3):
        stall.touch()
        source.sql("FLUSH BINARY LOGS")
        threading.Timer(timeout + 0.5, stall.unlink).start()
        waited += [seconds for seconds in _commits(source, timeout + 1) if seconds > timeout * 0.9]
        wait_until("the disk is well again", lambda: not stall.exists(), 10)
        relay.caught_up_with(source)
    stage.say(f"three files begun while the disk stalls: {len(waited)} commits waited: "
              f"{[round(seconds, 2) for seconds in waited]} s")
    assert len(waited) <= 1, waited
    assert int(semi_sync.status("no_times")) <= gave_up + 1, "the source gave up waiting more than once"
    report = _semi_sync_of(relay)
    assert report["withdrawn"] == withdrawn + 1 and not report["active"], report


def mariadb_stalled_disk_is_left(stage):
    """A source that waits for nobody when no replica takes part: the relay's leaving is what ends its wait."""
    stage.needs_relay()
    source = stage.mariadb("source")
    relay, stall = _relay_whose_disk_stalls(stage, source)
    _table(source)
    semi_sync = SemiSync(source)
    relay.caught_up_with(source)
    semi_sync.go_on_without_replicas()
    semi_sync.switch_on(timeout_ms=30_000)
    _commits(source, 0.5)
    semi_sync.wait_for_replica()
    stall.touch()
    threading.Timer(8, stall.unlink).start()
    during = _commits(source, 5)
    wait_until("the disk is well again", lambda: not stall.exists(), 20)
    stage.say(f"while the disk stalled for 8 s {len(during)} commits took {max(during):.2f} s at most")
    assert max(during) < 4, during
    assert _semi_sync_of(relay)["withdrawn"] == 1, _semi_sync_of(relay)
    relay.caught_up_with(source)


def mysql_stalled_disk(stage):
    stage.needs_full("mariadb_stalled_disk")
    _stalled_disk(stage, stage.mysql("source", plugin_load_add="semisync_source.so"))


def mariadb_stalled_disk(stage):
    _stalled_disk(stage, stage.mariadb("source", binlog_format="ROW"))


def full_disk_does_not_hold_up_commits(stage):
    """The relay's disk runs full while it is the only semi-synchronous replica."""
    stage.needs_relay()
    source, disk = stage.mariadb("source", binlog_format="ROW"), scratch("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode != 0:
        raise Unavailable(f"cannot mount a small file system: {mounted.stderr.strip()}")
    relay = Relay(source, source_settings={"semi_sync": True})
    relay.data_dir = disk / "data"
    try:
        stage.enter(relay)
        _table(source)
        source.sql("CREATE TABLE work.bulk (id INT AUTO_INCREMENT PRIMARY KEY, body LONGBLOB)")
        relay.caught_up_with(source)
        semi_sync, timeout = SemiSync(source), 1.5
        semi_sync.switch_on(timeout_ms=int(timeout * 1000))
        semi_sync.wait_for_replica()
        filler = disk / "filler"
        filler.write_bytes(bytes(60 << 20))
        took = _commits(source, 12, "INSERT INTO bulk (body) VALUES (REPEAT('abcdefgh', 131072))")
        waited = [seconds for seconds in took if seconds > timeout * 0.9]
        stage.say(f"{len(took)} commits of 1 MiB, the disk had room for 40; {len(waited)} waited: "
                  f"{[round(seconds, 2) for seconds in waited]} s")
        assert len(took) > 60 and len(waited) <= 1 and all(seconds < timeout + 1 for seconds in waited), took
        assert semi_sync.status("no_times") == "1", "the source gave up waiting more than once"
        assert not relay.status()["streams"][0]["source"]["semi_sync"]["active"]
        source.sql("TRUNCATE work.bulk")
        wait_until("the relay says that the disk is full", lambda: relay.status()["streams"][0]["source"]["last_error"], 30)
    finally:
        relay.stop()
        subprocess.run(["umount", "--lazy", disk], check=False)


def no_semi_sync_on_the_source(stage):
    """A source without the plugin is followed all the same."""
    stage.needs_relay()
    source = stage.mysql("source")
    relay = stage.relay(source, source_settings={"semi_sync": True})
    _table(source)
    relay.caught_up_with(source)
    assert "knows no semi-synchronous replication" in relay.log_tail(20), relay.log_tail(20)


scenario.main(mysql_acknowledged_is_stored, mariadb_acknowledged_is_stored, mysql_acknowledged_across_failovers,
              mariadb_acknowledged_across_failovers, mysql_stalled_disk, mariadb_stalled_disk,
              mariadb_stalled_disk_is_left,
              full_disk_does_not_hold_up_commits, no_semi_sync_on_the_source)
