"""Dumps that start anywhere: the relay answers as its source does, and as before when its index was deleted. And the
places where a relay's log may begin."""

import datetime
import hashlib
import itertools
import pathlib
import random
import re
import shutil
import sys
import time

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import compare  # noqa: E402
import scenario  # noqa: E402
from dump_client import (ARTIFICIAL, BINLOG_CHECKPOINT, FORMAT_DESCRIPTION, GTID_LIST, ROTATE,  # noqa: E402
                         DumpClient, flags_of, log_pos_of)
from workload import Workload  # noqa: E402

EVENTS_COMPARED = 40
SHORT_FILE = 3  # transactions
HEAD_EVENTS = 10  # before the first group
EVENT_HEADER, MARIADB_GTID = 19, 162
GTID_EVENTS = ("Gtid", "Anonymous_Gtid", "Gtid_tagged")


def _write(source):
    work = Workload(source)
    work.sysbench_start(2, tables=2, rows=300)
    for part in work.parts():
        if part not in (work.big_rows, work.packet_boundaries):
            source.sql("CREATE DATABASE IF NOT EXISTS work CHARACTER SET utf8mb4")
            part()
    work.sysbench_finish()
    # A short file, and one whose format description tells of the server's start.
    source.sql("FLUSH BINARY LOGS")
    work.small(SHORT_FILE, "before_start")
    source.restart()
    work.small(SHORT_FILE, "after_start")


def _file_positions(source, chance, wanted):
    """Positions where groups begin, of every file; and the first of each file."""
    places = []
    for name in source.binlog_names():
        places.append((name, 4))
        places += [(name, start) for start, kind, *_ in source.binlog_events(name) if kind in GTID_EVENTS]
    return sorted(chance.sample(places, min(wanted, len(places))))


def _last_numbers(chance, wanted, newest):
    """Anywhere, and everywhere in the two short files at the end."""
    return [chance.randrange(1, newest) for _ in range(wanted)] + list(range(newest - 3 * SHORT_FILE, newest + 1))


def _gtid_places(source, chance, wanted):
    if source.flavour == "mysql":
        uuid = source.value("SELECT @@server_uuid")
        executed = source.gtid_executed().replace("\n", "").replace(" ", "")
        before, _, own = executed.partition(f"{uuid}:1-")
        newest = int(re.match("[0-9]+", own)[0])
        others = own[len(str(newest)):]  # what carries tags
        return [""] + [f"{before}{uuid}:1-{last}{others}" for last in _last_numbers(chance, wanted, newest)]
    position = source.gtid_executed()
    domain, server, last = next(gtid for gtid in position.split(",") if gtid.startswith("0-")).split("-")
    others = [gtid for gtid in position.split(",") if not gtid.startswith("0-")]
    return [""] + [",".join([f"0-{server}-{number}", *others]) for number in _last_numbers(chance, wanted, int(last))]


def _answer(end, is_mysql, start):
    """What a dump from this place gives, event by event, and how it ends."""
    events, end_text = [], ""
    try:
        client = DumpClient(end.connect, is_mysql)
        sent = client.from_gtids(start) if isinstance(start, str) else client.from_file(*start)
        events = list(itertools.islice(sent.everything(), EVENTS_COMPARED + HEAD_EVENTS))
    except pymysql.err.MySQLError as error:
        end_text = str(error.args)
    return [_comparable(event) for event in events], end_text


def _comparable(event):
    """An event without what means nothing in it."""
    # In a file without checksums sources alter a format description and leave its own as it was.
    if event[4] == FORMAT_DESCRIPTION and event[-5] == 0:
        return event[:-4]
    # MariaDB names the domains of an artificial list in the order of a hash table.
    if event[4] == GTID_LIST and flags_of(event) & ARTIFICIAL:
        body = event[EVENT_HEADER:]
        count = int.from_bytes(body[:3], "little")
        gtids = sorted(body[4 + 16 * number:20 + 16 * number] for number in range(count))
        return event[:EVENT_HEADER] + body[:4] + b"".join(gtids)
    return event


def _whatever_the_place(answer):
    """MariaDB with an index of GTIDs starts inside a file, the relay at its head: what precedes the first group, and the
    domains that an artificial list there names, tell of that."""
    events, end_text = answer
    first_group = next((number for number, event in enumerate(events) if event[4] == MARIADB_GTID), len(events))
    told_by_place = (ROTATE, FORMAT_DESCRIPTION, GTID_LIST, BINLOG_CHECKPOINT)
    head = [event for event in events[:first_group] if event[4] not in told_by_place]
    return head + events[first_group:first_group + EVENTS_COMPARED], end_text


def _shown(answer):
    """For a failure's text."""
    events, end_text = answer
    lines = [(event[4], int.from_bytes(event[:4], "little"), log_pos_of(event), flags_of(event), len(event),
              hashlib.sha256(event).hexdigest()[:8]) for event in events]
    return lines, end_text


def _difference(expected, found):
    """The first event that differs, and the ends: (source, relay)."""
    left, right = _shown(expected), _shown(found)
    first = next((pair for pair in itertools.zip_longest(left[0], right[0]) if pair[0] != pair[1]), None)
    return first, left[1], right[1]


def _bad_places(source):
    name, end = source.binlog_names()[0], source.binlog_files()[0].stat().st_size
    return [("binlog.999999", 4), ("../../etc/passwd", 4), ("x" * 300, 4), (name, 1), (name, end + 1), (name, 1 << 31)]


def _same_answers(stage, source):
    _write(source)
    relay = stage.relay(source)
    relay.caught_up_with(source)
    stage.say("the relay has everything")
    chance = random.Random(7)
    is_mysql = source.flavour == "mysql"
    starts = _file_positions(source, chance, 500 if stage.full else 120) + _bad_places(source)
    starts += _gtid_places(source, chance, 20)

    starts_inside = not is_mysql and source.series == "11.8"

    def answer(end, start):
        given = _answer(end, is_mysql, start)
        return _whatever_the_place(given) if starts_inside and isinstance(start, str) else given

    expected = {start: answer(source, start) for start in starts}

    def check(when):
        answers = {start: answer(relay, start) for start in starts}
        wrong = [(start, _difference(expected[start], found)) for start, found in answers.items() if found != expected[start]]
        assert not wrong, f"{when}: {len(wrong)} of {len(starts)} starts got another answer (start, (type, timestamp, " \
            f"log_pos, flags, size, digest)s at the source and the relay, ends): {wrong[:5]}"
        stage.say(f"{len(starts)} starts answered as the source does, {when}")

    check("first")
    if stage.direct:
        return

    relay.stop()
    shutil.rmtree(relay.data_dir / "main" / "index")
    relay.start()
    relay.caught_up_with(source)
    check("without the index")

    relay.stop()
    relay.offline("reindex")
    relay.offline("verify")
    stage.say("reindexed and verified")
    relay.start()
    check("after reindex")


def mysql_start_positions(stage):
    _same_answers(stage, stage.mysql("source"))


def mariadb_1011_start_positions(stage):
    _same_answers(stage, stage.mariadb("source", series="10.11", binlog_format="ROW"))


def mariadb_118_start_positions(stage):
    _same_answers(stage, stage.mariadb("source", series="11.8", binlog_format="MIXED"))


def _first_places(stage, source):
    """A log begins with the whole file that holds the place asked for, and goes on to the end."""
    stage.needs_relay()
    work = Workload(source)
    written = []  # of each file but the last: (name, what was executed at its end, a second inside it)
    for number in range(3):
        work.small(4, f"rows_{number}")
        written.append((source.binlog_names()[-1], source.gtid_executed().replace("\n", ""), int(time.time())))
        time.sleep(2)  # times are whole seconds
        source.sql("FLUSH BINARY LOGS")
    work.small(4, "rows_last")
    names = source.binlog_names()
    second, executed, at = written[1]
    behind = names[names.index(second) + 1]
    moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for number, (start, expected) in enumerate([
            ("oldest", names[0]), (f"file:{second}:4", second), (f"gtid:{executed}", behind), (f"time:{moment}", second),
            ("now", names[-1])]):
        relay = stage.relay(source, name=f"relay{number}", source_settings={"start": start})
        relay.caught_up_with(source)
        work.small(4, f"rows_{start.partition(':')[0]}")
        relay.caught_up_with(source)
        copies = relay.segment_files()
        assert list(copies) == names[names.index(expected):], f"start={start}: {list(copies)}, not from {expected} on"
        for name, copy in copies.items():
            compare.same_bytes(source.datadir / name, copy)
        relay.stop()
        relay.offline("verify")
        stage.say(f"start={start.partition(':')[0]}: {', '.join(copies)}, equal to the source's")


def mysql_first_places(stage):
    _first_places(stage, stage.mysql("source"))


def mariadb_first_places(stage):
    _first_places(stage, stage.mariadb("source", series="10.11"))


scenario.main(mysql_start_positions, mariadb_1011_start_positions, mariadb_118_start_positions, mysql_first_places,
              mariadb_first_places)
