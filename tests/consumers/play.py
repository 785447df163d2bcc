#!/usr/bin/python3
"""Runs the real clients against a source and against the relay in front of it, and compares what they decode.

    python3 tests/consumers/play.py CLIENT... [--full] [--only TEXT] [--list]

Prints a line for each client, source and mode that ends in "equal", "differs" or "SKIPPED (reason)", and writes the lines of each
client to build/consumers/CLIENT.json, from which compatibility_table.py makes the README's table. Exit code 77: nothing could run.
"""

import argparse
import contextlib
import json
import os
import pathlib
import sys
import time
import traceback

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / "tools"), str(pathlib.Path(__file__).resolve().parent)]

from clients import CLIENTS  # noqa: E402
from consumer import Consumer, GaveUp  # noqa: E402
from history import History  # noqa: E402
from lab import MariaDb, MySql, Relay, Unavailable, machine  # noqa: E402
from normalised import kept, once  # noqa: E402
from older_login import OlderLogin  # noqa: E402

SKIPPED = 77
MODES = {"gtid": "GTID", "file": "file and position"}
RESULTS = machine.ROOT / "build" / "consumers"
READER, NATIVE_READER = "reader", "oldreader"
KEEPER = "keeper"  # on the source, for a client that keeps its own tables there


class Theatre:
    """One source with its history, and the relay in front of it."""

    def __init__(self, family):
        make = MySql if family == "mysql" else MariaDb
        self.source = make(f"source-{family}", binlog_row_metadata="FULL", binlog_format="ROW").start()
        self.label = f"{'MySQL' if family == 'mysql' else 'MariaDB'} {self.source.version}"
        self.family = family
        self._add_reader()
        self._older_login = OlderLogin(self.source, self.user, self.password) if family == "mysql" else None
        self.relay = self._make_relay().start()
        self.history = History(self.source)
        self.begin = self.history.begin()

    def write(self, name):
        """The part of the history that ends with the marker `name`."""
        {"one": self.history.first, "two": self.history.second}[name]()
        self.relay.caught_up_with(self.source)

    def _make_relay(self):
        relay = Relay(self.source, name=f"relay-{self.family}")
        settings = relay.asking_source_as(self.user, self.password)  # with the rights that the reader has on the source
        # Clients that know no other way of logging in have an account of their own.
        relay.add_account(READER, **settings)
        relay.add_account(NATIVE_READER, plugin="native", **settings)
        return relay

    def _add_reader(self):
        """An account on the source for the runs against it; logged in once, so that MySQL knows its password."""
        self.user, self.password = self.source.add_replication_account(READER)
        self.source.unlogged(f"GRANT SELECT ON *.* TO {READER}@'127.0.0.1'",
                             f"CREATE USER {KEEPER}@'127.0.0.1' IDENTIFIED BY '{self.password}'",
                             f"GRANT ALL ON *.* TO {KEEPER}@'127.0.0.1'")
        self.source.connect(user=self.user, password=self.password).close()

    def address(self, side, program):
        keeper = {"store_port": self.source.port, "store_user": KEEPER, "store_password": self.password}
        if side == "source":
            port = self._older_login.port if self._older_login and program.older else self.source.port
            return {"host": "127.0.0.1", "port": port, "user": self.user, "password": self.password, **keeper}
        user = NATIVE_READER if program.native_only else READER
        return {"host": "127.0.0.1", "port": self.relay.port, "user": user, "password": self.relay.accounts[user][0], **keeper}

    def close(self):
        self.relay.stop()
        if self._older_login:
            self._older_login.close()
        self.source.discard()


class BothSides:
    """A program in one mode, that reads each part of the history from the source and from the relay."""

    def __init__(self, program, mode, sides):
        self.program, self.mode, self.sides = program, mode, sides
        self.failure = None
        self._parts = []
        self._live_from = None  # how many events the relay's had before

    def begin(self):
        """Those that cannot begin in the past do so before there is any."""
        if self.program.begins_now:
            try:
                for consumer in self.sides.values():
                    consumer.start()
                for consumer in self.sides.values():
                    consumer.wait_ready()
            except GaveUp as reason:
                self.failure = reason

    def read(self, name):
        """Both from where they were to the marker `name`."""
        if self.failure:
            return
        try:
            with _running(self.sides.values()):
                self._parts.append({side: consumer.until(name) for side, consumer in self.sides.items()})
        except GaveUp as reason:
            self.failure = reason

    def verdict(self):
        """(the first difference or None, events compared)"""
        if self.failure:
            raise self.failure
        source, relay = self.sides["source"], self.sides["relay"]
        for how, part in zip(("from the start", "resumed"), self._parts):
            difference, _ = _compare(part["source"], part["relay"], False)
            if difference:
                return f"{how}: {difference}", 0
        if source.at != relay.at:
            return f"places to resume at: {source.at} and {relay.at}", 0
        return None, len(relay.events)

    def follow(self):
        """The relay's goes on, and waits at the end."""
        self._live_from = {side: len(consumer.events) for side, consumer in self.sides.items()}
        for consumer in self.sides.values():
            consumer.wish["live"] = True
        self.sides["relay"].start()

    def read_live(self, side, name):
        if not self.failure:
            try:
                self.sides[side].until(name, may_restart=True)
            except GaveUp as reason:
                self.failure = reason

    def live_verdict(self):
        if self.failure:
            raise self.failure
        with _running([self.sides["source"]]):
            self.read_live("source", "live-after")
        if self.failure:
            raise self.failure
        return _compare(*(self.sides[side].events[self._live_from[side]:] for side in ("source", "relay")), True)


class Play:
    """A client with all its modes."""

    def __init__(self, client, only):
        self.client, self.only = client, only
        self.lines, self.failed = [], False
        self._server_id = 7000
        self._folder = machine.scratch(f"consumers-{client.name}")

    def run(self):
        began = time.monotonic()
        for family in ("mysql", "mariadb"):
            programs = self._programs(family)
            if not programs:
                continue
            with contextlib.closing(Theatre(family)) as theatre:
                wanted = [(program, command, mode) for program, command in programs for mode in program.modes]
                plays = [self._rehearsed(theatre, *one) for one in wanted]
                for play in plays:
                    play.begin()
                for name in ("one", "two"):
                    theatre.write(name)
                    for play in plays:
                        play.read(name)
                for play in plays:
                    self._judge(theatre, play.program, play.mode, "from the start, then resumed", play.verdict)
                self._live(theatre, [play for play in plays if not play.failure])
            print(f"   {time.monotonic() - began:6.1f} s  {family} done", flush=True)
        return self.lines

    def _programs(self, family):
        """[(program, its command)] of those that can run against this family here."""
        found = []
        for program in self.client.programs:
            if self.only and self.only not in f"{program.label} {family}":
                continue
            reason = program.excluded.get(family)
            try:
                if not reason:
                    found.append((program, program.command()))
                    continue
            except Unavailable as missing:
                reason = str(missing)
            source = "MySQL 9.7" if family == "mysql" else "MariaDB 10.11"
            for mode in program.modes:
                self._say(program, source, MODES[mode], f"SKIPPED ({reason})")
        return found

    # ---- the modes

    def _rehearsed(self, theatre, program, command, mode):
        begin = dict(theatre.begin, **({"file": theatre.source.binlog_names()[0], "position": 4} if mode == "file" else {}))
        return BothSides(program, mode, {side: self._consumer(theatre, side, program, command, mode, begin)
                                         for side in ("source", "relay")})

    def _live(self, theatre, plays):
        """The consumers follow the relay while it is restarted; what they saw is then read from the source."""
        for play in plays:
            play.follow()
        theatre.history.live("live-before")
        for play in plays:
            play.read_live("relay", "live-before")
        theatre.relay.restart()
        theatre.history.live("live-after")
        for play in plays:
            play.read_live("relay", "live-after")
            play.sides["relay"].stop()
        for play in plays:
            self._judge(theatre, play.program, play.mode, "relay restarted", play.live_verdict)

    def _consumer(self, theatre, side, program, command, mode, place):
        self._server_id += 1
        folder = self._folder / f"{self._server_id}-{program.label.replace('/', '-').replace(' ', '-')}-{theatre.family}-{mode}-{side}"
        wish = {**theatre.address(side, program), "program": program.name, "flavour": theatre.family, "mode": mode, "live": False,
                "server_id": self._server_id, "state": str(folder), **program.settings, **place}
        return Consumer(command, folder, wish)

    # ---- what is said

    def _judge(self, theatre, program, mode, how, act):
        mode = f"{MODES[mode]}, {how}"
        try:
            difference, events = act()
        except GaveUp as reason:
            self.failed = True
            self._say(program, theatre.label, mode, f"failed ({str(reason).splitlines()[0]})")
            print(str(reason), flush=True)
            print(theatre.relay.log_tail(8), flush=True)
            return
        if difference:
            self.failed = True
            self._say(program, theatre.label, mode, "differs")
            print(difference, flush=True)
        else:
            self._say(program, theatre.label, mode, "equal", events)

    def _say(self, program, source, mode, result, events=None):
        self.lines.append({"client": program.label, "version": program.version, "source": source, "mode": mode, "result": result})
        counted = f" {events} events" if events else ""
        print(f"CLIENT: {program.label} {program.version} · {source} · {mode}{counted and ','}{counted}: {result}", flush=True)


@contextlib.contextmanager
def _running(consumers):
    consumers = list(consumers)
    try:
        for consumer in consumers:
            if not consumer.running:
                consumer.start()
        yield
    finally:
        for consumer in consumers:
            consumer.stop()


def _compare(expected, found, across_connections):
    """(the first difference or None, events compared)"""
    expected, found = ([event for event in (kept(event, across_connections) for event in events) if event]
                       for events in (expected, found))
    if across_connections:
        expected, found = once(expected), once(found)
    for number, (left, right) in enumerate(zip(expected, found)):
        if left != right:
            return f"event {number}:\n  source {json.dumps(left)[:700]}\n  relay  {json.dumps(right)[:700]}", number
    if len(expected) != len(found):
        longer, side = (expected, "source") if len(expected) > len(found) else (found, "relay")
        first = json.dumps(longer[min(len(expected), len(found))])[:500]
        return f"{len(expected)} events from the source, {len(found)} from the relay; only from the {side}: {first}", 0
    return (None, len(found)) if found else ("no events at all", 0)


def play(name, only):
    """The exit code of one client."""
    player = Play(CLIENTS[name], only)
    try:
        player.run()
    except Unavailable as reason:
        print(f"SKIPPED: {reason}", flush=True)
        return SKIPPED
    except Exception:
        traceback.print_exc()
        player.failed = True
    finally:
        machine.clean_up()
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(player.lines, indent=1, ensure_ascii=False) + "\n")
    if player.failed:
        return 1
    reasons = [line["result"] for line in player.lines]
    if all(reason.startswith("SKIPPED") for reason in reasons):
        print(f"SKIPPED: {reasons[0].removeprefix('SKIPPED (').removesuffix(')') if reasons else 'nothing chosen'}", flush=True)
        return SKIPPED
    return 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("client", nargs="*", choices=[[], *CLIENTS], default=[])
    arguments.add_argument("--only", metavar="TEXT", help="only programs and families with this in their name")
    arguments.add_argument("--list", action="store_true")
    options = arguments.parse_args()
    if options.list:
        print(*CLIENTS, sep="\n")
        return
    codes = [play(name, options.only) for name in options.client or CLIENTS]
    sys.exit(1 if 1 in codes else SKIPPED if all(code == SKIPPED for code in codes) else 0)


os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
main()
