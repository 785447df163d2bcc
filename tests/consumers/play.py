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

SKIPPED = 77
MODES = {"gtid": "GTID", "file": "file and position"}
RESULTS = machine.ROOT / "build" / "consumers"
READER = "reader"


class Theatre:
    """One source with its history, and the relay in front of it."""

    def __init__(self, family):
        make = MySql if family == "mysql" else MariaDb
        self.source = make(f"source-{family}", binlog_row_metadata="FULL", binlog_format="ROW").start()
        self.label = f"{'MySQL' if family == 'mysql' else 'MariaDB'} {self.source.version}"
        self.family = family
        self._add_reader()
        self.relay = self._make_relay().start()
        self.history = History(self.source)
        self.begin = self.history.begin()
        self.history.first()
        self.history.second()
        self.relay.caught_up_with(self.source)

    def _make_relay(self):
        relay = Relay(self.source, name=f"relay-{self.family}")
        relay.add_account(READER)
        return relay

    def _add_reader(self):
        """An account on the source for the runs against it; logged in once, so that MySQL knows its password."""
        self.user, self.password = self.source.add_replication_account(READER)
        self.source.unlogged(f"GRANT SELECT ON *.* TO {READER}@'127.0.0.1'")
        self.source.connect(user=self.user, password=self.password).close()

    def address(self, side):
        if side == "source":
            return {"host": "127.0.0.1", "port": self.source.port, "user": self.user, "password": self.password}
        return {"host": "127.0.0.1", "port": self.relay.port, "user": READER, "password": self.relay.accounts[READER][0]}

    def close(self):
        self.relay.stop()
        self.source.discard()


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
                places = {}
                for program, command, mode in wanted:
                    self._judge(theatre, program, mode, "from the start, then resumed",
                                lambda: self._from_start(theatre, program, command, mode, places))
                self._live(theatre, wanted, places)
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
            source = "MySQL" if family == "mysql" else "MariaDB"
            for mode in program.modes:
                self._say(program, source, MODES[mode], f"SKIPPED ({reason})")
        return found

    # ---- the modes

    def _from_start(self, theatre, program, command, mode, places):
        """Two runs of each side: up to the first marker, and from where that ended to the second."""
        begin = dict(theatre.begin, **({"file": theatre.source.binlog_names()[0], "position": 4} if mode == "file" else {}))
        sides = {side: self._consumer(theatre, side, program, command, mode, begin) for side in ("source", "relay")}
        parts = {}
        for name in ("one", "two"):
            with _running(sides.values()):
                for side, consumer in sides.items():
                    parts[side, name] = consumer.until(name)
        places[program, mode] = sides["relay"].at
        if sides["source"].at != sides["relay"].at:
            return f"places to resume at: {sides['source'].at} and {sides['relay'].at}", 0
        for name in ("one", "two"):
            difference, _ = _compare(parts["source", name], parts["relay", name], False)
            if difference:
                return f"{'from the start' if name == 'one' else 'resumed'}: {difference}", 0
        return None, sum(len(parts["relay", name]) for name in ("one", "two"))

    def _live(self, theatre, wanted, places):
        """The consumers follow the relay while it is restarted; what they saw is then read from the source."""
        if theatre.relay is None:
            return
        consumers = {(program, mode): self._consumer(theatre, "relay", program, command, mode, places[program, mode], live=True)
                     for program, command, mode in wanted if (program, mode) in places}
        for consumer in consumers.values():
            consumer.start()
        fates = {}
        tag = "live"
        theatre.history.live(f"{tag}-before")
        self._each(consumers, fates, lambda consumer: consumer.until(f"{tag}-before", may_restart=True))
        theatre.relay.restart()
        theatre.history.live(f"{tag}-after")
        self._each(consumers, fates, lambda consumer: consumer.until(f"{tag}-after", may_restart=True))
        for consumer in consumers.values():
            consumer.stop()
        for (program, mode), consumer in consumers.items():
            self._judge(theatre, program, mode, "relay restarted", lambda: self._against_source(
                theatre, program, mode, places[program, mode], consumer, fates.get((program, mode)), tag))

    @staticmethod
    def _each(consumers, fates, act):
        for key, consumer in consumers.items():
            if key not in fates:
                try:
                    act(consumer)
                except GaveUp as reason:
                    fates[key] = reason

    def _against_source(self, theatre, program, mode, place, relayed, fate, tag):
        if fate:
            raise fate
        direct = self._consumer(theatre, "source", program, relayed.command, mode, place)
        with _running([direct]):
            expected = direct.until(f"{tag}-after", may_restart=True)
        return _compare(expected, relayed.events, True)

    def _consumer(self, theatre, side, program, command, mode, place, live=False):
        self._server_id += 1
        folder = self._folder / f"{self._server_id}-{program.label.replace('/', '-').replace(' ', '-')}-{theatre.family}-{mode}-{side}"
        wish = {**theatre.address(side), "program": program.name, "flavour": theatre.family, "mode": mode, "live": live,
                "server_id": self._server_id, "state": str(folder), **program.settings, **place}
        return Consumer(command, folder, wish, program.environment)

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
