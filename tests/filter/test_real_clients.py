"""Real clients behind the user's own rules: they receive exactly the monitored changes, and a change of a rule at the source
changes that from its transaction on, and not before, for one that reads live and for one that reads again from the start.

Each client also reads the source itself: what it is sent by the relay must be, change for change with all values, positions and
times, what it decodes there, less what the rules keep back."""

import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "consumers"), str(TESTS / "filter")]

import canal_rules  # noqa: E402
import scenario  # noqa: E402
from clients import CLIENTS  # noqa: E402
from consumer import Consumer  # noqa: E402
from history import marker  # noqa: E402
from lab import machine  # noqa: E402
from toolchains import Unavailable  # noqa: E402

PROGRAMS = {"python-mysql-replication": "python", "go-mysql/replication": "go-mysql", "@vlasky/zongji": "zongji"}
ROWS = re.compile(r"(?:Mariadb)?(Write|Update|Delete)Rows")  # as each of them calls it
KINDS = {"Write": "insert", "Update": "update", "Delete": "delete"}
OF_THE_STATEMENT = ("flags", "_flags", "event_size", "size")  # whether a rows event is its statement's last


def _programs(stage, family):
    """[(program, its command)] that can run here."""
    found, missing = [], []
    for label, client in PROGRAMS.items():
        program = next(each for each in CLIENTS[client].programs if each.label == label)
        try:
            found.append((program, program.command()))
        except Unavailable as reason:
            missing.append(f"{label}: {reason}")
    for each in missing:
        stage.say(f"without {each}")
    if not found:
        raise machine.Unavailable("; ".join(missing))
    return found


def _table(event):
    fields, table = event["fields"], event.get("table") or {}
    return table.get("name") or fields["table"]


def _changes(events):
    """[(["table", "kind"], the whole event)] of the rows events, without what depends on the rest of the statement."""
    found = []
    for event in events:
        rows = ROWS.match(event["kind"])
        if rows:
            parts = {name: _bare(part) for name, part in event.items()}
            found.append(([_table(event), KINDS[rows[1]]], parts))
    return found


def _bare(part):
    return {name: value for name, value in part.items() if name not in OF_THE_STATEMENT} if isinstance(part, dict) else part


class Audience:
    """The same clients in front of the source and of the relay."""

    def __init__(self, stage, source, relay, account, reader, start):
        self.stage, self.source, self.relay, self.start = stage, source, relay, start
        self.account, self.reader = account, reader  # (user, password) of the relay and of the source
        self.programs = _programs(stage, source.flavour)
        self._server_id = 8000

    def seats(self, relayed, live):
        """{(label, mode): Consumer}, not started."""
        return {(program.label, mode): self._consumer(program, command, mode, relayed, live)
                for program, command in self.programs for mode in program.modes}

    def _consumer(self, program, command, mode, relayed, live):
        self._server_id += 1
        end, (user, password) = (self.relay, self.account) if relayed else (self.source, self.reader)
        folder = machine.scratch(f"client-{self._server_id}")
        wish = {"host": "127.0.0.1", "port": end.port, "user": user, "password": password, "program": program.name,
                "flavour": self.source.flavour, "mode": mode, "live": live, "server_id": self._server_id, "state": str(folder),
                **self.start, "file": self.source.binlog_names()[0], "position": 4}
        return Consumer(command, folder, wish)


def _read(seats, name):
    """{seat: its changes up to the marker}"""
    for consumer in seats.values():
        if not consumer.running:
            consumer.start()
    return {seat: _changes(consumer.until(name)) for seat, consumer in seats.items()}


def _stop(seats):
    for consumer in seats.values():
        consumer.stop()


def _names(changes):
    return [change[0] for change in changes]


def _compare(stage, story, how, received, at_source):
    """What every seat received is what it decodes at the source, where the story says that it is let out."""
    for seat, changes in received.items():
        said = f"{how}, {seat[0]} by {seat[1]}"
        assert _names(changes) == story.let_out, f"{said}: expected\n{story.let_out}\nreceived\n{_names(changes)}"
        whole = at_source[seat]
        assert _names(whole) == story.made, f"{seat} at the source: expected\n{story.made}\nreceived\n{_names(whole)}"
        wanted = [change for change, (_, out) in zip(whole, story.marked) if out]
        for left, right in zip(wanted, changes):
            assert left == right, f"{said}: source\n{left}\nrelay\n{right}"
    everybody = ", ".join(f"{label} by {mode}" for label, mode in received)
    stage.say(f"{how}: {len(story.let_out)} of {len(story.made)} changes for {everybody}")


def _reader(source):
    """The source's account for clients that read it, and for what the relay's clients ask about tables."""
    user, password = source.add_replication_account("reader")
    source.unlogged("GRANT SELECT ON *.* TO reader@'127.0.0.1'")
    source.connect(user=user, password=password).close()  # MySQL then knows its password
    return user, password


def _play(stage, source):
    stage.needs_relay()
    story = canal_rules.Story(source)
    story(canal_rules.CREATE_DATABASE)
    start = {"gtid": source.gtid_executed()}
    canal_rules.begin(story)
    relay = stage.relay(source)
    source.unlogged(f"GRANT SELECT ON {canal_rules.DATABASE}.* TO `{relay.name}`@'127.0.0.1'")
    reader = _reader(source)
    account = relay.add_account("canal", view="rules", **relay.asking_source_as(*reader))
    relay.restart()
    relay.caught_up_with(source)
    audience = Audience(stage, source, relay, account, reader, start)
    canal_rules.write_blog(story, marker("one"))
    relay.caught_up_with(source)
    live = audience.seats(relayed=True, live=True)
    at_source = audience.seats(relayed=False, live=True)
    again = {}
    try:
        seen, whole = _read(live, "one"), _read(at_source, "one")
        _compare(stage, story, "the first two rules", seen, whole)
        canal_rules.change_rules(story)
        canal_rules.say(story, marker("two"))
        for part, seats in ((seen, live), (whole, at_source)):
            for seat, changes in _read(seats, "two").items():
                part[seat] += changes
        _compare(stage, story, "rules that changed, live", seen, whole)
        _stop(live)
        relay.restart()
        again = audience.seats(relayed=True, live=False)
        _compare(stage, story, "read again from the start, after a restart", _read(again, "two"), whole)
    finally:
        for seats in (live, at_source, again):
            _stop(seats)


def mysql_real_clients(stage):
    _play(stage, stage.mysql("source", binlog_rows_query_log_events=1))


def mariadb_real_clients(stage):
    _play(stage, stage.mariadb("source", binlog_format="ROW"))


scenario.main(mysql_real_clients, mariadb_real_clients)
