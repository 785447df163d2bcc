"""Dumps that start anywhere: the relay answers as its source does, and as before when its index was deleted. And the
places where a relay's log may begin."""

import datetime
import pathlib
import random
import shutil
import sys
import time

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import compare  # noqa: E402
import scenario  # noqa: E402
from dump_client import BINLOG_CHECKPOINT, GTID_LIST, DumpClient  # noqa: E402
from workload import Workload  # noqa: E402

EVENTS_COMPARED = 40
GTID_EVENTS = ("Gtid", "Anonymous_Gtid", "Gtid_tagged")


def _write(source):
    work = Workload(source)
    work.sysbench_start(2, tables=2, rows=300)
    for part in work.parts():
        if part not in (work.big_rows, work.packet_boundaries):
            source.sql("CREATE DATABASE IF NOT EXISTS work CHARACTER SET utf8mb4")
            part()
    work.sysbench_finish()


def _file_positions(source, chance, wanted):
    """Positions where groups begin, of every file; and the first of each file."""
    places = []
    for name in source.binlog_names():
        places.append((name, 4))
        places += [(name, start) for start, kind, *_ in source.binlog_events(name) if kind in GTID_EVENTS]
    return sorted(chance.sample(places, min(wanted, len(places))))


def _gtid_places(source, chance, wanted):
    if source.flavour == "mysql":
        uuid = source.value("SELECT @@server_uuid")
        last = source.value("SELECT @@global.gtid_executed")
        number = max(int(part.split("-")[-1]) for part in last.replace("\n", "").split(",")[0].split(":") if "-" in part
                     and not part.count("-") > 1)
        return [""] + [f"{uuid}:1-{chance.randrange(1, number)}" for _ in range(wanted)]
    position = source.gtid_executed()
    domain, server, last = next(gtid for gtid in position.split(",") if gtid.startswith("0-")).split("-")
    others = [gtid for gtid in position.split(",") if not gtid.startswith("0-")]
    return [""] + [",".join([f"0-{server}-{chance.randrange(1, int(last))}", *others]) for _ in range(wanted)]


def _answer(end, is_mysql, start):
    """What a dump from this place gives: (events, digest), or the error."""
    try:
        client = DumpClient(end.connect, is_mysql)
        if isinstance(start, str):
            # Where inside a file MariaDB starts is its own choice; what precedes the first group tells of that.
            return client.from_gtids(start).digest(EVENTS_COMPARED, leaving_out=(BINLOG_CHECKPOINT, GTID_LIST))
        return client.from_file(*start).digest(EVENTS_COMPARED)
    except pymysql.err.MySQLError as error:
        return error.args[0], str(error.args[1]).split("; the first event")[0]


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
    expected = {start: _answer(source, is_mysql, start) for start in starts}

    def check(when):
        wrong = [(start, expected[start], answer) for start in starts
                 if (answer := _answer(relay, is_mysql, start)) != expected[start]]
        assert not wrong, f"{when}: {len(wrong)} of {len(starts)} starts got another answer (start, source, relay): {wrong[:5]}"
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
