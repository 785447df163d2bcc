"""A disk that is full, and a disk that loses what it was given: serving goes on, nothing wrong is served, nobody has to act."""

import concurrent.futures
import pathlib
import random
import shutil
import subprocess
import sys
import time

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from dump_client import DumpClient  # noqa: E402
from replication import attach, detach, follow, relay_before, relay_has, settle  # noqa: E402
from workload import Workload  # noqa: E402

from lab import Relay, Unavailable, machine  # noqa: E402

DISK_MIB = 500
ROOM_MIB = 40  # left when it is filled: less than the next transactions take


class SmallDisk:
    """A file system of its own under a relay's data directory."""

    def __init__(self, mib):
        self.path = machine.scratch("disk")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", self.path], capture_output=True, text=True)
        if done.returncode != 0:
            raise Unavailable(f"cannot mount a small file system: {done.stderr.strip()}")
        self._filler = self.path / "filler"

    def fill(self):
        with open(self._filler, "ab") as file:
            for _ in range(self._free() - ROOM_MIB):
                file.write(bytes(1 << 20))

    def make_room(self, mib):
        """So much is free then; never less than now."""
        with open(self._filler, "ab") as file:
            file.truncate(max(0, file.tell() - max(0, mib - self._free()) * (1 << 20)))

    def _free(self):
        return shutil.disk_usage(self.path).free // (1 << 20)

    def unmount(self):
        subprocess.run(["umount", "--lazy", self.path], check=False)


def _is_full(relay):
    assert relay.alive()
    source = relay.status()["streams"][0]["source"]
    return source["state"] == "refused" and "MiB free" in source["last_error"]


def _all_served(relay):
    consumers = [consumer for consumer in relay.status()["streams"][0]["consumers"] if "lag_bytes" in consumer]
    return consumers and all(consumer["lag_bytes"] == 0 for consumer in consumers)


def _full_disk(stage, source, replica):
    stage.needs_relay()
    disk = SmallDisk(DISK_MIB)
    try:
        relay = Relay(source)
        relay.data_dir = disk.path / "data"
        stage.enter(relay)
        follow(replica, relay, "gtid")
        work = Workload(source)
        work.small(50)
        replica.wait_replica_caught_up(source)
        # The second time there is less room than the first time left over: that was another full disk.
        for kind, room in (("while receiving", DISK_MIB), ("again", 150), ("and the relay restarted", DISK_MIB)):
            disk.fill()
            work.big_rows()
            machine.wait_until(lambda: f"the disk is full\n{relay.log_tail()}", lambda: _is_full(relay), 60)
            if kind == "and the relay restarted":
                relay.stop()
                relay.start_again()
                machine.wait_until(lambda: f"the disk is still full\n{relay.log_tail()}", lambda: _is_full(relay), 60)
            replica.stop_replica()
            replica.resume_replica()
            machine.wait_until(lambda: f"what is there is served\n{relay.status()}", lambda: _all_served(relay), 60)
            end = relay.binlog_position()
            disk.make_room(room)
            room_at = time.monotonic()
            machine.wait_until(lambda: f"receiving goes on\n{relay.log_tail()}",
                               lambda: relay.binlog_position() > end, 60)
            took = time.monotonic() - room_at
            stage.say(f"disk full {kind}: receiving went on {took:.1f} s after there was room")
            assert took < 5
            replica.wait_replica_caught_up(source)
            work.drop_big_rows()
        settle(stage, source, relay, replica)
        relay.stop()
    finally:
        disk.unmount()


def mariadb_full_disk(stage):
    _full_disk(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb("replica"))


def mysql_full_disk(stage):
    _full_disk(stage, stage.mysql("source"), stage.mysql("replica"))


# ---- rot

KINDS = ("flipped bit", "zeroed block", "cut file")
EVENTS_COMPARED = 60


def _damage(path, chance, kind, least=0):
    size = path.stat().st_size
    if size <= least:
        return size
    at = chance.randrange(least, size)
    with open(path, "r+b") as file:
        if kind == "flipped bit":
            file.seek(at)
            value = file.read(1)[0] ^ (1 << chance.randrange(8))
            file.seek(at)
            file.write(bytes([value]))
        elif kind == "zeroed block":
            at = max(at - at % 4096, least)
            file.seek(at)
            file.write(bytes(min(4096, size - at)))
        elif kind == "cut file":
            file.truncate(at)
    return at


DAMAGED_AT_ONCE = 40  # in files that are sealed


class Archive:
    """The files of a stopped relay's stream, as they were before anybody damaged them."""

    def __init__(self, relay):
        self._stream = relay.data_dir / "main"
        *sealed, self.active = [path for _, path in sorted(relay.segment_files().items())]
        self.sealed = sealed[:3]
        self._whole = {path: path.read_bytes() for path in (*self.sealed, self.active)}

    def is_whole(self, path):
        found = path.read_bytes()
        # MariaDB may still note a checkpoint in the file it writes.
        return found == self._whole[path] or path == self.active and found.startswith(self._whole[path])

    def damaged(self):
        return [path.name for path in self._whole if not self.is_whole(path)]

    def damage_all(self, chance):
        """Damages of every kind everywhere; how many."""
        for number in range(DAMAGED_AT_ONCE):
            _damage(chance.choice(self.sealed), chance, KINDS[number % 2])
        _damage(chance.choice(self.sealed), chance, "cut file")
        # Behind a whole start: what is left must tell that the source's file is the same.
        _damage(self.active, chance, chance.choice(KINDS), least=300)
        _damage(self._stream / chance.choice(("journal", "journal", "journal.copy")), chance, chance.choice(KINDS))
        tables = [path for path in (self._stream / "index").iterdir() if path.name != "LOCK" and path.stat().st_size]
        _damage(chance.choice(tables), chance, chance.choice(KINDS))
        return DAMAGED_AT_ONCE + 4


def _answers(relay, flavour, places):
    """What dumps from these places give."""
    return [DumpClient(relay.connect, flavour == "mysql").from_file(*place).digest(EVENTS_COMPARED) for place in places]


def _rot(stage, source, make_replica):
    stage.needs_relay()
    work = Workload(source)
    relay = stage.relay(source, stream={"scrub_bytes_per_second": 256 << 20})
    work.big_rows()
    for _ in range(3):
        work.small(200)
        source.sql("FLUSH BINARY LOGS")
    work.small(100)
    relay.caught_up_with(source)
    chance = random.Random(20261122)
    starts = [(name, start) for name in relay.binlog_names() for start, *_ in relay.binlog_events(name)]
    places = chance.sample(starts, 20)
    expected = _answers(relay, source.flavour, places)
    relay.stop()
    archive = Archive(relay)
    sealed = archive.sealed

    damages = 0
    for _ in range(240 if stage.full else 4):
        damages += archive.damage_all(chance)
        relay.start_again()  # found at opening, or by the first pass after it
        assert _answers(relay, source.flavour, places) == expected
        machine.wait_until(lambda: f"{archive.damaged()} are restored\n{relay.log_tail()}",
                           lambda: not archive.damaged(), 60, 0.2)
        relay.stop()
    relay.offline("verify")
    relay.start_again()
    stage.say(f"{damages} damages restored; {len(places)} starts answered as before meanwhile")

    # A new replica reads through fresh damage and never sees it.
    relay.stop()  # what has been found sound since a start is not looked at again before the next pass
    for path in sealed:
        _damage(path, chance, "flipped bit")
    relay.start_again()
    replica = make_replica("replica")
    follow(replica, relay, "file")
    settle(stage, source, relay, replica)

    # Without the source: refused by name, and healed when it is back.
    source.stop()
    _damage(sealed[1], chance, "zeroed block")
    _damage(sealed[1], chance, "flipped bit")
    relay.stop()
    relay.start_again()
    blind = make_replica("blind")
    blind.start_replica(relay.host, relay.port, relay.user, relay.password, "file", file=sealed[0].name, pos=4)
    # 1236, or a closed connection when half an event was already on its way.
    words = [f"{sealed[1].name}, offset", "does not hold what was stored", "cannot be fetched from the source"]
    machine.wait_until(lambda: f"the damaged place is refused: {words}\n{relay.log_tail()}",
                       lambda: all(word in _said_since_start(relay) for word in words), 90)
    assert blind.replica_status()["Seconds_Behind_Master" if source.flavour == "mariadb" else "Seconds_Behind_Source"] != "0"
    stage.say("without the source: the damaged place is refused by file and offset")
    _active_refused(stage, relay, archive.active, chance)
    source.start()
    relay.start_again()
    machine.wait_until(lambda: f"restored\n{relay.log_tail()}", lambda: archive.is_whole(sealed[1]), 60)
    second = make_replica("second")
    follow(second, relay, "gtid")
    settle(stage, source, relay, second)
    code = relay.offline("verify", check=False).returncode
    assert code == 0, code


def _said_since_start(relay):
    return relay.log_tail(300).rpartition(" starts, data in ")[2]


def _active_refused(stage, relay, path, chance):
    """Damage in the last file keeps a relay without its source from starting; nothing is cut."""
    relay.stop()
    whole = path.read_bytes()
    at = chance.randrange(len(whole) // 4, len(whole) // 2)
    damaged = whole[:at] + bytes([whole[at] ^ 8]) + whole[at + 1:]
    path.write_bytes(damaged)
    try:
        relay.start_again()
        raise AssertionError("it started")
    except RuntimeError:
        pass
    said = relay.log_tail()
    assert f"{path.name}, offset" in said and "cannot be fetched from the source" in said, said
    assert path.read_bytes() == damaged
    stage.say("and so is damage in the last file, before anything is served")


def mariadb_rot(stage):
    _rot(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb)


def mysql_rot(stage):
    stage.needs_full("mariadb_rot")
    _rot(stage, stage.mysql("source"), stage.mysql)


# ---- rot while the source is away

# What is damaged in one round; the kinds are drawn. A dump waits 30 s for the source before it is refused.
ROUNDS = (("sealed", "sealed", "journal", "index"), ("sealed", "active"), ("active", "journal", "index"))
MORE_ROUNDS = (("sealed", "sealed", "sealed"), ("cut", "journal", "index"))
HEALED = ("sealed", "sealed", "active", "journal", "index")  # and this with the source back


class Stored:
    """A stopped relay's stream: put back whole, damaged, compared."""

    def __init__(self, relay):
        self._stream = relay.data_dir / "main"
        self._whole = machine.scratch("whole") / "main"
        shutil.copytree(self._stream, self._whole)
        *self._sealed, self._active = [path for _, path in sorted(relay.segment_files().items())]

    def put_back(self):
        shutil.rmtree(self._stream)
        shutil.copytree(self._whole, self._stream)

    def _place(self, area, chance):
        if area in ("sealed", "cut"):
            return chance.choice(self._sealed)
        if area == "active":
            return self._active
        if area == "journal":
            return self._stream / chance.choice(("journal", "journal.copy"))
        return chance.choice([path for path in sorted((self._stream / "index").iterdir()) if path.stat().st_size])

    def damage(self, areas, chance):
        """The damaged places, as (path, offset)."""
        hit = []
        for area in areas:
            path = self._place(area, chance)
            kinds = {"sealed": KINDS[:2], "cut": KINDS[2:]}.get(area, KINDS)
            # Of the active file a whole start is left: it tells that the source's file is the same.
            hit.append((path, _damage(path, chance, chance.choice(kinds), least=300 if area == "active" else 0)))
        return hit

    def damaged(self):
        """Segment files that are not as they were; what the source has written since does not count."""
        different = []
        for path in (*self._sealed, self._active):
            found, whole = path.read_bytes(), (self._whole / path.relative_to(self._stream)).read_bytes()
            if found != whole and not (path == self._active and found.startswith(whole)):
                different.append(path)
        return different


def _dump(relay, flavour, place):
    """The events that come from there, and the error that ended them."""
    events = []
    try:
        client = DumpClient(relay.connect, flavour == "mysql")
        for event in client.from_gtids("") if place is None else client.from_file(*place):
            events.append(bytes(event))
    except pymysql.err.MySQLError as error:
        return events, error
    return events, None


def _serves_nothing_wrong(relay, flavour, expected, wrong, said):
    """Every dump gives what it gave before, up to an error that names file and offset; how many were refused."""
    refused = 0
    with concurrent.futures.ThreadPoolExecutor(len(expected)) as clients:
        dumps = list(clients.map(lambda place: _dump(relay, flavour, place), expected))
    for (place, whole), (events, error) in zip(expected.items(), dumps):
        assert relay.alive(), relay.log_tail(60)
        assert events == whole[:len(events)], f"{place}: event {len(events)} or one before is not what was stored"
        if error is None:
            assert len(events) == len(whole), f"{place}: {len(events)} of {len(whole)} events, and no error"
            continue
        refused += 1
        assert any(f"{path.name}, offset" in said() for path in wrong), f"{place}: {error}\n{said()}"
    return refused


def _rot_alone(stage, source):
    stage.needs_relay()
    relay = stage.relay(source, stream={"scrub_bytes_per_second": 256 << 20})
    source.sql("CREATE DATABASE work")
    source.sql("CREATE TABLE work.wide (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)")
    chance = random.Random(20261123)

    def insert():
        source.sql(f"INSERT INTO work.wide (text) VALUES (REPEAT('{chance.getrandbits(128):032x}', 6000))")
    for _ in range(4):
        for _ in range(12):
            insert()
        source.sql("FLUSH BINARY LOGS")
    insert()
    relay.caught_up_with(source)
    names = relay.binlog_names()
    starts = [(name, start) for name in names for start, *_ in relay.binlog_events(name)]
    places = [None, (names[0], 4), *chance.sample(starts, 4)]
    expected = {place: _dump(relay, source.flavour, place)[0] for place in places}
    relay.stop()
    source.stop()
    stored = Stored(relay)

    rounds = refused = unopened = 0
    for _ in range(20 if stage.full else 1):
        for areas in (*ROUNDS, *MORE_ROUNDS) if stage.full else ROUNDS:
            rounds += 1
            stored.put_back()
            hit = stored.damage(areas, chance)
            wrong = stored.damaged()
            said_before = relay.log.stat().st_size

            def said():
                return relay.log.read_bytes()[said_before:].decode(errors="replace")
            try:
                relay.start_again()
            except RuntimeError:  # damage that hides what the file is, or in the one that was written
                unopened += 1
                assert relay.process.poll() == 1, said()
                assert any(path.name in said() and (f"{path.name}, offset" in said() or "the journal says" in said())
                           for path in wrong), f"{hit}\n{said()}"
                continue
            stopped = _serves_nothing_wrong(relay, source.flavour, expected, wrong, said)
            assert stopped > 0 or not wrong, f"{hit}\n{said()}"
            refused += stopped
            relay.stop()
        stored.put_back()
        stored.damage(HEALED, chance)
        source.start()
        relay.start_again()
        _serves_nothing_wrong_so_far(relay, source.flavour, expected)
        machine.wait_until(lambda: f"{stored.damaged()} are restored\n{relay.log_tail()}", lambda: not stored.damaged(), 60, 0.2)
        relay.caught_up_with(source)
        for place, whole in expected.items():
            events, error = _dump(relay, source.flavour, place)
            assert error is None and events[:len(whole)] == whole, f"{place}: {error}"
        relay.stop()
        source.stop()
    stage.say(f"{rounds} rounds without the source: {refused} dumps ended at the damaged place, {unopened} starts refused")
    relay.offline("verify")
    relay.start_again()


def _serves_nothing_wrong_so_far(relay, flavour, expected):
    """The same while the source brings it back, and more behind it."""
    for place, whole in expected.items():
        events, error = _dump(relay, flavour, place)
        assert events[:len(whole)] == whole[:len(events)] and (error or len(events) >= len(whole)), f"{place}: {error}"


def mariadb_rot_without_source(stage):
    _rot_alone(stage, stage.mariadb("source", binlog_format="ROW"))


def mysql_rot_without_source(stage):
    stage.needs_full("mariadb_rot_without_source")
    _rot_alone(stage, stage.mysql("source"))


# ---- rot in the files of the source that was followed before

def mariadb_rot_after_failover(stage):
    stage.needs_relay()
    options = {"log_slave_updates": "ON", "binlog_format": "ROW"}
    a, b = stage.mariadb("a", **options), stage.mariadb("b", log_bin="other-bin", **options)
    relay = relay_before(stage, a, b)
    attach(b, a)
    work = Workload(a)
    for _ in range(2):
        work.small(50)
        a.sql("FLUSH BINARY LOGS")
    relay_has(relay, a)
    b.wait_replica_caught_up(a)
    detach(b)
    a.stop()
    b.sql("CREATE DATABASE elsewhere")
    machine.wait_until(lambda: f"it follows b\n{relay.log_tail()}",
                       lambda: relay.status()["streams"][0]["log"]["generation"] == 2, 90)
    relay_has(relay, b)
    a.start()
    path = sorted(relay.segment_files(1).values())[1]
    whole = path.read_bytes()
    _damage(path, random.Random(20261123), "flipped bit")
    events, error = _dump(relay, "mariadb", (path.name, 4))  # it waits until the bytes are restored
    machine.wait_until(lambda: f"a's {path.name} is restored\n{relay.log_tail()}", lambda: path.read_bytes() == whole, 60, 0.2)
    assert error is None and events == _dump(relay, "mariadb", (path.name, 4))[0]
    stage.say("damage in a's file was fetched from a while b is followed")


scenario.main(mariadb_full_disk, mysql_full_disk, mariadb_rot, mysql_rot, mariadb_rot_without_source, mysql_rot_without_source,
              mariadb_rot_after_failover)
