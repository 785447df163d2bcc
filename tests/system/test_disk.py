"""A disk that is full, and a disk that loses what it was given: serving goes on, nothing wrong is served, nobody has to act."""

import pathlib
import random
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from replication import follow, settle  # noqa: E402
from workload import Workload  # noqa: E402

from lab import Relay, Unavailable, machine  # noqa: E402

DISK_MIB = 400
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
        mib = shutil.disk_usage(self.path).free // (1 << 20) - ROOM_MIB
        with open(self._filler, "wb") as file:
            for _ in range(mib):
                file.write(bytes(1 << 20))

    def make_room(self):
        self._filler.unlink()

    def unmount(self):
        subprocess.run(["umount", "--lazy", self.path], check=False)


def _is_full(relay):
    assert relay.alive()
    return relay.status()["streams"][0]["source"]["last_error"].find("MiB free") > 0


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
        for kind in ("while receiving", "and the relay restarted"):
            disk.fill()
            work.big_rows()
            machine.wait_until(lambda: f"the disk is full\n{relay.log_tail()}", lambda: _is_full(relay), 60)
            if kind != "while receiving":
                relay.stop()
                relay.start_again()
                machine.wait_until(lambda: f"the disk is still full\n{relay.log_tail()}", lambda: _is_full(relay), 60)
            replica.stop_replica()
            replica.resume_replica()
            machine.wait_until(lambda: f"what is there is served\n{relay.status()}", lambda: _all_served(relay), 60)
            end = relay.binlog_position()
            disk.make_room()
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

def _damage(path, chance, kind):
    size = path.stat().st_size
    at = chance.randrange(size)
    with open(path, "r+b") as file:
        if kind == "flipped bit":
            file.seek(at)
            value = file.read(1)[0] ^ (1 << chance.randrange(8))
            file.seek(at)
            file.write(bytes([value]))
        elif kind == "zeroed block":
            at -= at % 4096
            file.seek(at)
            file.write(bytes(min(4096, size - at)))
        elif kind == "cut file":
            file.truncate(at)
    return at


def _rot(stage, source, make_replica):
    stage.needs_relay()
    work = Workload(source)
    relay = stage.relay(source, stream={"scrub_bytes_per_second": 64 << 20})
    for _ in range(3):
        work.small(100)
        work.big_rows()
        work.drop_big_rows()
        source.sql("FLUSH BINARY LOGS")
    relay.caught_up_with(source)
    relay.restart()
    sealed = [path for name, path in sorted(relay.segment_files().items())][:3]
    whole = {path: path.read_bytes() for path in sealed}
    chance = random.Random(20261122)

    rounds = 60 if stage.full else 12
    for number in range(rounds):
        path = chance.choice(sealed)
        kind = ("flipped bit", "zeroed block", "cut file")[number % 3]
        at = _damage(path, chance, kind)
        if path.read_bytes() == whole[path]:
            continue  # zeros upon zeros
        relay.restart()  # found at opening, or by the first pass after it
        machine.wait_until(lambda: f"{kind} at {path.name}:{at} is restored\n{relay.log_tail()}",
                           lambda: path.read_bytes() == whole[path], 60)
    stage.say(f"{rounds} damages restored from the source")

    # A new replica reads through fresh damage and never sees it.
    relay.restart()
    for path in sealed:
        _damage(path, chance, "flipped bit")
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
    machine.wait_until(lambda: f"the damaged place is refused\n{relay.log_tail()}",
                       lambda: f"{sealed[1].name}, offset" in relay.log_tail(300), 90)
    said = relay.log_tail(300)
    assert "does not hold what was stored" in said and "cannot be fetched from the source" in said, said
    assert blind.replica_status()["Seconds_Behind_Master" if source.flavour == "mariadb" else "Seconds_Behind_Source"] != "0"
    stage.say("without the source: the damaged place is refused by file and offset")
    source.start()
    machine.wait_until(lambda: f"restored\n{relay.log_tail()}", lambda: sealed[1].read_bytes() == whole[sealed[1]], 60)
    second = make_replica("second")
    follow(second, relay, "gtid")
    settle(stage, source, relay, second)
    code = relay.offline("verify", check=False).returncode
    assert code == 0, code


def mariadb_rot(stage):
    _rot(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb)


def mysql_rot(stage):
    _rot(stage, stage.mysql("source"), stage.mysql)


scenario.main(mariadb_full_disk, mysql_full_disk, mariadb_rot, mysql_rot)
