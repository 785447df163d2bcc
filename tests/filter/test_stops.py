"""Consumers that stop at any event and come again, by GTID or by file and position: no change is lost and none comes twice, beyond
what the same stop costs in front of the source itself."""

import pathlib
import random
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "support"), str(pathlib.Path(__file__).resolve().parent)]

import scenario  # noqa: E402
from dump_client import DumpClient, FORMAT_DESCRIPTION, HEARTBEATS, ROTATE, log_pos_of  # noqa: E402
from mixed_load import MixedLoad  # noqa: E402
from row_stream import MARIADB_GTID, PAYLOAD, RowStream, set_of  # noqa: E402

ALL_BUT_NOISE = [(1, "noise", "*", 0, 0, 0)]
STOPS = 50


def _monitored(rows):
    return [row for row in rows if row[0] != "noise"]


class End:
    """A source or a relay, read as often as it takes."""

    def __init__(self, end, first_file, is_mysql):
        self.end, self.first_file, self.is_mysql = end, first_file, is_mysql

    def by_file(self, file=None, position=4):
        return DumpClient(self.end.connect, self.is_mysql).from_file(file or self.first_file, position).everything()

    def by_gtid(self, gtids=()):
        return DumpClient(self.end.connect, self.is_mysql).from_gtids(set_of(gtids)).everything()


def _read(events, count=None, place=None):
    """What a consumer has that stops behind its `count`th event, or behind the one that ends at `place`."""
    stream = RowStream(*(place or ()))
    for number, event in enumerate(events):
        stream(event)
        if number + 1 == count:
            break
    return stream


def _to_place(events, file, position):
    stream = RowStream()
    for event in events:
        stream(event)
        if (stream.file, stream.position) == (file, position) and not _beside(event):
            return stream
    raise AssertionError(f"no event ends at {file}:{position}")


def _beside(event):
    return event[4] in HEARTBEATS or event[4] == FORMAT_DESCRIPTION


def _chosen(events, seed):
    """STOPS numbers of events to stop behind; a third of them inside payloads where there are any."""
    chosen = random.Random(seed)
    ordinary = [number + 1 for number, event in enumerate(events) if not _beside(event)]
    inside = [number + 1 for number in range(len(events) - 1)
              if PAYLOAD in (events[number][4], events[number + 1][4])
              or log_pos_of(events[number]) == log_pos_of(events[number + 1]) and events[number + 1][4] != ROTATE]
    picked = chosen.sample(inside, min(STOPS // 3, len(inside)))
    return picked + chosen.sample(ordinary, STOPS - len(picked))


def _by_place(stage, source, relay):
    """By file and position throughout: row for row what the same stop gives in front of the source."""
    again = lost = 0
    whole = _monitored(_read(source.by_file()).rows)
    for count in _chosen(list(relay.by_file()), 1):
        had = _read(relay.by_file(), count)
        place = (had.file, had.position)
        rest = _read(relay.by_file(*place), place=place)
        source_had = _to_place(source.by_file(), *place) if place[1] > 4 else _read(source.by_file(), 1)
        source_rest = _read(source.by_file(*place), place=place)
        _equal(f"{place}: before it", _monitored(source_had.rows) if place[1] > 4 else had.rows, had.rows)
        _equal(f"{place}: from it on", _monitored(source_rest.rows), rest.rows)
        again += len(had.rows) + len(rest.rows) > len(whole)
        lost += len(had.rows) + len(rest.rows) < len(whole)
    stage.say(f"by file and position: {STOPS} stops, {again} with changes twice and {lost} with changes that cannot be read, as at the source")


def _by_gtid(stage, source, relay):
    """By GTID throughout: what was done stays away, what was begun comes again from its start."""
    again = 0
    whole = _monitored(_read(source.by_gtid()).rows)
    for count in _chosen(list(relay.by_gtid()), 2):
        had = _read(relay.by_gtid(), count)
        rest, source_rest = _read(relay.by_gtid(had.done)), _read(source.by_gtid(had.done))
        _equal(f"event {count}: before it", whole[:len(had.rows)], had.rows)
        _equal(f"event {count}: behind {len(had.done)} transactions", _monitored(source_rest.rows), rest.rows)
        _equal(f"event {count}: rest", whole[len(whole) - len(rest.rows):], rest.rows)
        again += len(had.rows) + len(rest.rows) > len(whole)
        assert len(had.rows) + len(rest.rows) >= len(whole), f"event {count}: rows were lost"
    stage.say(f"by GTID: {STOPS} stops, {again} within a transaction that comes again, as at the source")


def _by_gtid_then_place(stage, source, relay):
    """Read by GTID, come again with file and position, which inside an unpacked payload is where the payload begins."""
    again = 0
    whole = _monitored(_read(source.by_gtid()).rows)
    events = list(relay.by_gtid())
    for count in _chosen(events, 3):
        had = _read(relay.by_gtid(), count)
        place = (had.file, had.position)
        rest = _read(relay.by_file(*place), place=place)
        source_rest = _read(source.by_file(*place), place=place)
        _equal(f"{place}: from it on", _monitored(source_rest.rows), rest.rows)
        missing = len(whole) - len(had.rows) - len(rest.rows)
        assert missing <= source_rest.lost, f"event {count}, {place}: {missing} changes were lost"
        again += missing < 0
    stage.say(f"by GTID, then by file and position: {STOPS} stops, {again} with changes twice, none lost")


def _equal(what, expected, found):
    for number, (left, right) in enumerate(zip(expected, found)):
        assert left == right, f"{what}: row event {number}: expected {left}, found {right}"
    assert len(expected) == len(found), f"{what}: {len(expected)} row events expected, {len(found)} found"


def _play(stage, source, write):
    relay = stage.relay(source)
    relay.set_rules(ALL_BUT_NOISE, "all")
    relay.user, relay.password = relay.add_account("consumer", view="rules")
    relay.restart()
    write(MixedLoad(source, seed=8), 100 if stage.full else 20)
    relay.caught_up_with(source)
    mysql = source.flavour == "mysql"
    ends = [End(end, source.binlog_names()[0], mysql) for end in (source, relay)]
    _by_place(stage, *ends)
    _by_gtid(stage, *ends)
    _by_gtid_then_place(stage, *ends)


def _on_mysql(mixed, transactions):
    mixed.run(transactions, xa_every=10)
    mixed.run(transactions, compress=True)
    mixed.source.sql("FLUSH BINARY LOGS")
    mixed.source.sql("SET SESSION gtid_next = 'AUTOMATIC:tagged'")
    mixed.source.sql("INSERT INTO shop.orders VALUES (-1, 1, 'tagged')")
    mixed.source.sql("INSERT INTO noise.copy VALUES (-1, 1)")
    mixed.source.sql("SET SESSION gtid_next = 'AUTOMATIC'")
    mixed.run(transactions, compress=True)


def _on_mariadb(mixed, transactions):
    mixed.run(2 * transactions)
    mixed.source.sql("FLUSH BINARY LOGS")
    mixed.source.sql("SET SESSION gtid_domain_id = 3")
    mixed.source.sql("INSERT INTO shop.orders VALUES (-1, 1, 'another domain')")
    mixed.run(transactions)


def mysql_stops(stage):
    _play(stage, stage.mysql("source", binlog_row_event_max_size=256), _on_mysql)


def mariadb_stops(stage):
    _play(stage, stage.mariadb("source", binlog_format="ROW", log_bin_compress=1, log_bin_compress_min_len=10,
                               binlog_row_event_max_size=256), _on_mariadb)


scenario.main(mysql_stops, mariadb_stops)
