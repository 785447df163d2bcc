"""Stuck, hostile and greedy clients: what they cost the others, and the relay's memory."""

import multiprocessing
import os
import pathlib
import random
import resource
import select
import socket
import ssl
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import pymysql  # noqa: E402
import scenario  # noqa: E402
from dump_client import NON_BLOCKING  # noqa: E402
from lab.machine import wait_until  # noqa: E402
from tail_clients import TailClients, begin_dump, percentile, stamp  # noqa: E402

MIB = 1 << 20
HEALTHY, HALF_OPEN, WRONG_PASSWORDS_A_SECOND, ARCHIVE_READERS = 20, 2000, 200, 4
COMMITS_A_SECOND = 50


def _raise_file_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _dial(port, host_number, network):
    """A connection that comes from one of many hosts: every 127.x.y.z is this machine."""
    sock = socket.socket()
    sock.bind((f"127.{network}.{host_number >> 8 & 255}.{(host_number & 255) or 1}", 0))
    sock.setblocking(False)
    sock.connect_ex(("127.0.0.1", port))
    return sock


# ---- the attackers; each is a process of low priority: elsewhere they would take nothing of this machine

class Attack:
    """Runs `act(*arguments)` until stopped; `said` is a number it reports."""

    def __init__(self, act, *arguments):
        self.name = act.__name__.strip("_")
        self._said = multiprocessing.Value("q", 0)
        self._process = multiprocessing.Process(target=self._run, args=(act, arguments), daemon=True)
        self._process.start()

    def _run(self, act, arguments):
        os.nice(19 if act is _read_archive else 5)
        _raise_file_limit()
        act(self._said, *arguments)

    @property
    def said(self):
        return self._said.value

    def stop(self):
        assert self._process.is_alive(), f"the attack {self.name} broke down"
        self._process.kill()
        self._process.join()


def _half_open(held, port):
    """Holds connections that never answer the greeting, from 25 hosts; those that are closed are opened again."""
    poll, sockets, number = select.epoll(), {}, 0
    while True:
        for _ in range(min(100, HALF_OPEN - len(sockets))):
            sock = _dial(port, 1 + number % 25, 1)
            number += 1
            sockets[sock.fileno()] = sock
            poll.register(sock.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        for descriptor, events in poll.poll(0.1):
            closed = events & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR)
            if not closed:
                sockets[descriptor].recv(4096)
            else:
                poll.unregister(descriptor)
                sockets.pop(descriptor).close()
        held.value = len(sockets)


def _wrong_passwords(tried, port):
    """Logs in with a wrong password, at a steady rate, from 250 hosts that do not wait for the answer's delay.

    Where the account allows it the guess goes as far as the server's private key, the dearest part of a login.
    """
    poll, waiting, due, number = select.epoll(), {}, time.monotonic(), 0
    attributes = b"\x21" + bytes(23)
    while True:
        while due <= time.monotonic():
            due += 1 / WRONG_PASSWORDS_A_SECOND
            sock = _dial(port, 1 + number % 250, 2)
            number += 1
            waiting[sock.fileno()] = sock
            poll.register(sock.fileno(), select.EPOLLIN | select.EPOLLRDHUP)
        for descriptor, events in poll.poll(max(0, due - time.monotonic())):
            sock = waiting[descriptor]
            try:
                got = sock.recv(4096)
            except OSError:
                got = b""
            if len(got) > 4 and got[4] == 10:  # a greeting
                capabilities = 0x0008_8201  # protocol 4.1, secure connection, plugin names
                login = struct.pack("<II", capabilities, 1 << 24) + attributes + b"replica\0"
                login += b"\x14" + random.randbytes(20) + b"mysql_native_password\0"
                sock.send(struct.pack("<I", len(login) | 1 << 24) + login)
                tried.value += 1
            elif len(got) > 4 and got[4] == 0xFE:  # another plugin: a response to its scramble
                size = 32 if b"caching_sha2" in got else 20
                sock.send(struct.pack("<I", size | 3 << 24) + random.randbytes(size))
            elif got[4:6] == b"\x01\x04":  # full authentication: as if it had the public key from before
                sock.send(struct.pack("<I", 256 | 5 << 24) + random.randbytes(256))
            else:
                poll.unregister(descriptor)
                waiting.pop(descriptor).close()


def _read_archive(megabytes, relay, first, paths, number):
    """Reads the whole log again and again as fast as it comes, from a disk that has nothing cached."""
    while True:
        for path in paths:
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        connection = relay.connect()
        sock = begin_dump(connection, first, 4, 30_000 + number, NON_BLOCKING)
        sock.setblocking(True)
        total = 0
        # MSG_TRUNC: the kernel throws the bytes away (tcp(7)).
        while got := len(sock.recv(MIB, socket.MSG_TRUNC)):
            total += got
            if total >= MIB:
                megabytes.value += total // MIB
                total %= MIB
        connection.close()


def _read_nothing(begun, relay, first):
    connection = relay.connect()
    begin_dump(connection, first, 4, 40_000)
    begun.value = 1
    time.sleep(1e6)


def _attacks(relay):
    first = relay.binlog_names()[0]
    paths = [str(path) for path in relay.segment_files().values()]
    return [Attack(_half_open, relay.port), Attack(_wrong_passwords, relay.port),
            *(Attack(_read_archive, relay, first, paths, number) for number in range(ARCHIVE_READERS))]


# ---- what they cost

def _write_steadily(source):
    """Commits stamps at a steady rate; a process of its own."""
    connection = source.connect("work")
    due = time.monotonic()
    with connection.cursor() as cursor:
        while True:
            cursor.execute(f"INSERT INTO stamps (stamp) VALUES ('{stamp()}')")
            due += 1 / COMMITS_A_SECOND
            time.sleep(max(0, due - time.monotonic()))


def _bare_loop(latencies, directory):
    """What the machine alone costs: small appends on the relay's disk, each with its fdatasync, at the commits' rate."""
    with open(directory / "bare_loop", "wb") as file:
        due = time.monotonic()
        while True:
            began = time.monotonic()
            file.write(bytes(300))
            file.flush()
            os.fdatasync(file.fileno())
            latencies.put(time.monotonic() - began)
            due += 1 / COMMITS_A_SECOND
            time.sleep(max(0, due - time.monotonic()))


class BareLoop:
    """Runs the bare loop in a process of its own."""

    def __init__(self, directory):
        self._latencies = multiprocessing.Queue()
        self._process = multiprocessing.Process(target=_bare_loop, args=(self._latencies, directory), daemon=True)
        self._process.start()

    def taken(self):
        """The latencies in seconds since the last call."""
        taken = []
        while not self._latencies.empty():
            taken.append(self._latencies.get())
        return taken

    def stop(self):
        self._process.kill()


def _fill(source, megabytes):
    source.sql("CREATE DATABASE work")
    source.sql("CREATE TABLE work.stamps (id INT AUTO_INCREMENT PRIMARY KEY, stamp CHAR(32))")
    source.sql("CREATE TABLE work.bulk (id INT AUTO_INCREMENT PRIMARY KEY, body LONGBLOB)")
    for number in range(megabytes // 4):
        source.sql("INSERT INTO work.bulk (body) VALUES (REPEAT(UUID(), 29000)), (REPEAT(UUID(), 29000)), "
                   "(REPEAT(UUID(), 29000)), (REPEAT(UUID(), 29000))")
        if number % 16 == 15:
            source.sql("FLUSH BINARY LOGS")


class Rounds:
    """The p99 latencies of each round, of the consumers and of the bare loop, alone and under attack."""

    def __init__(self, tails, bare):
        self._tails, self._bare, self._samples = tails, bare, {}

    def measure(self, phase, seconds):
        self._bare.taken()
        tails = list(self._tails.run(seconds))
        for who, latencies in (("consumers", tails), ("bare loop", self._bare.taken())):
            self._samples.setdefault((who, phase), []).append(latencies)

    def count(self, who, phase):
        return sum(len(latencies) for latencies in self._samples[who, phase])

    def p99(self, who, phase):
        """In seconds, of the middle round: a disk that stalls by itself for a moment spoils one round, not all."""
        return percentile([percentile(latencies, 0.99) for latencies in self._samples[who, phase]], 0.5)

    def text(self, who):
        parts = []
        for phase in ("alone", "attacked"):
            rounds = self._samples[who, phase]
            everything = [latency for latencies in rounds for latency in latencies]
            each = " ".join(f"{percentile(latencies, 0.99) * 1e3:.1f}" for latencies in rounds)
            parts.append(f"{phase}: {len(everything)} samples, p50 {percentile(everything, 0.5) * 1e3:.1f} ms, "
                         f"p99 {percentile(everything, 0.99) * 1e3:.1f} ms (rounds: {each})")
        return f"{who}: " + "; ".join(parts)


def _isolated(stage, source):
    """The latency of healthy consumers, alone and under attack by turns; `source` does not wait for its disk."""
    stage.needs_relay()
    _raise_file_limit()
    megabytes, rounds, alone_s, attack_s = (2048, 5, 60, 120) if stage.full else (192, 5, 3, 3)
    relay = stage.relay(source, limits={"login_seconds": 600, "connections": 10000})  # all are to be held
    _fill(source, megabytes)
    relay.caught_up_with(source)
    tails = TailClients(relay.connect, HEALTHY, *relay.binlog_position())
    writer = multiprocessing.Process(target=_write_steadily, args=(source,), daemon=True)
    writer.start()
    bare = BareLoop(relay.dir)
    os.sync()  # what was filled in is on its way to the disk
    measured = Rounds(tails, bare)
    before = relay.process.memory_bytes()
    silent = Attack(_read_nothing, relay, relay.binlog_names()[0])  # all the time
    for _ in range(rounds):
        tails.run(1)
        measured.measure("alone", alone_s)
        attacks = _attacks(relay)
        for _ in range(60):
            tails.run(0.5)
            if silent.said and all(attack.said for attack in attacks) and attacks[0].said > HALF_OPEN * 0.95:
                break
        measured.measure("attacked", attack_s)
        held = relay.process.memory_bytes()
        said = {}
        for attack in attacks:
            said[attack.name] = said.get(attack.name, 0) + attack.said
            attack.stop()
        stage.say(f"attacks: {said}; the relay occupies {held / MIB:.0f} MiB")
        assert said["half_open"] > HALF_OPEN * 0.9, "the half-open connections were not held"
        assert said["wrong_passwords"] > WRONG_PASSWORDS_A_SECOND * attack_s * 0.5
        assert said["read_archive"] > 0
    silent.stop()
    if stage.full:  # longer than slow_consumer_seconds
        assert relay.status()["streams"][0]["connections"]["slow_consumers_ended"] == 1, "the silent consumer is still there"
    writer.kill()
    bare.stop()
    tails.close()
    stage.say(f"{HEALTHY} " + measured.text("consumers"))
    stage.say(measured.text("bare loop"))
    peak = relay.process.memory_bytes("VmHWM")
    stage.say(f"memory: {before / MIB:.0f} MiB before, {peak / MIB:.0f} MiB at most")
    rate = measured.count("consumers", "attacked") / attack_s / (measured.count("consumers", "alone") / alone_s)
    assert rate > 0.8, f"the stream stalled: {rate:.0%} of the commits arrived in time"
    if not relay.sanitized:
        alone, under = measured.p99("consumers", "alone"), measured.p99("consumers", "attacked")
        # A short run on a busy machine measures the machine, too; the bare loop tells how much.
        allowed = 2 * alone + (0.002 if stage.full else 0.02 + 2 * measured.p99("bare loop", "attacked"))
        assert under <= allowed, f"p99 {alone:.4f} s -> {under:.4f} s, at most {allowed:.4f} s"
        assert peak - before < 192 * MIB, f"{before} -> {peak} bytes"


def mariadb_isolation(stage):
    _isolated(stage, stage.mariadb("source", binlog_format="ROW", innodb_flush_log_at_trx_commit=0))


def mysql_isolation(stage):
    stage.needs_full("mariadb_isolation")
    _isolated(stage, stage.mysql("source", sync_binlog=0, innodb_flush_log_at_trx_commit=0))


def slow_consumers_ended(stage):
    """Who reads nothing is ended after a while; who reads slowly, or has nothing to read, is not."""
    stage.needs_relay()
    source = stage.mariadb("source", binlog_format="ROW")
    relay = stage.relay(source, limits={"slow_consumer_seconds": 3})
    _fill(source, 64)
    relay.caught_up_with(source)
    first, end = relay.binlog_names()[0], relay.binlog_position()
    any_certificate = ssl.create_default_context()
    any_certificate.check_hostname, any_certificate.verify_mode = False, ssl.CERT_NONE
    stuck, stuck_tls, slow, idle = relay.connect(), relay.connect(ssl=any_certificate), relay.connect(), relay.connect()
    begin_dump(stuck, first, 4, 1)
    begin_dump(stuck_tls, first, 4, 4)
    slow_socket = begin_dump(slow, first, 4, 2)
    begin_dump(idle, *end, 3)
    began = time.monotonic()
    while time.monotonic() - began < 10:
        assert slow_socket.recv(256 << 10), "a slow consumer that reads was ended"
        time.sleep(0.2)
    left = {consumer["server_id"] for consumer in relay.status()["streams"][0]["consumers"] if consumer.get("sent_bytes")}
    assert left == {2, 3}, f"still there: {left}"
    assert "slow consumer ended" in relay.log_tail(20), relay.log_tail(20)
    assert relay.status()["streams"][0]["connections"]["slow_consumers_ended"] == 2
    stage.say("the two that read nothing were ended, the slow and the idle one were not")


def memory_of_stuck_consumers(stage):
    """Many consumers that read nothing, with much to send to each: what they take of the relay's memory."""
    stage.needs_relay()
    _raise_file_limit()
    source = stage.mariadb("source", binlog_format="ROW")
    relay = stage.relay(source)
    _fill(source, 64)
    relay.caught_up_with(source)
    first, before, count = relay.binlog_names()[0], relay.process.memory_bytes(), 500 if stage.full else 150
    stuck = [relay.connect() for _ in range(count)]
    logged_in = relay.process.memory_bytes()
    for number, connection in enumerate(stuck):
        begin_dump(connection, first, 4, 1 + number)
    time.sleep(3)
    peak = relay.process.memory_bytes("VmHWM")
    stage.say(f"{count} connections: {(logged_in - before) // count // 1024} KiB each logged in, "
              f"{(peak - before) // count // 1024} KiB each as a dump that nobody reads")
    if not relay.sanitized:
        assert (peak - before) / count < 600 << 10


def limits_hold(stage):
    """Places run out for those who take them, not for others."""
    stage.needs_relay()
    source = stage.mariadb("source", binlog_format="ROW")
    relay = stage.relay(source, limits={"connections_per_account": 3, "logins_per_host": 5, "login_seconds": 2})
    held = [relay.connect() for _ in range(3)]
    try:
        relay.connect().close()
        raise AssertionError("a fourth connection of an account came in")
    except pymysql.err.OperationalError as refused:
        assert refused.args[0] == 1203, refused
    half_open = [_dial(relay.port, 1, 1) for _ in range(6)]
    time.sleep(0.5)
    said = [sock.recv(4096) for sock in half_open]
    assert [len(text) > 4 and text[4] for text in said] == [10] * 5 + [255], "five greetings, one error"
    held.pop().close()
    wait_until("the account has a place again", lambda: len(relay.status()["streams"][0]["consumers"]) <= 8, 5)
    relay.connect().close()  # another host than theirs
    began = time.monotonic()
    for sock in half_open[:5]:
        sock.setblocking(True)
        assert sock.recv(1) == b"", "still open"
    assert time.monotonic() - began < 3
    stage.say("half-open logins end in time; another host is not kept out")
    took = []
    for _ in range(6):
        began = time.monotonic()
        try:
            relay.connect(password="wrong").close()
            raise AssertionError("a wrong password was taken")
        except pymysql.err.OperationalError as refused:
            assert refused.args[0] == 1045, refused
        took.append(time.monotonic() - began)
    assert took[-1] > 0.9 > 0.2 > took[0], took
    stage.say("wrong passwords are answered after " + ", ".join(f"{seconds:.2f}" for seconds in took) + " s")


scenario.main(mariadb_isolation, mysql_isolation, slow_consumers_ended, memory_of_stuck_consumers,
              limits_hold)
