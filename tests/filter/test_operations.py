"""All combinations of the three flags with every kind of change: what arrives is what an oracle says that should."""

import pathlib
import random
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "support"), str(pathlib.Path(__file__).resolve().parent)]

import operations  # noqa: E402
import row_oracle  # noqa: E402
import scenario  # noqa: E402
from dump_client import ARTIFICIAL, DumpClient, FORMAT_DESCRIPTION, HEARTBEATS, ROTATE, flags_of, log_pos_of  # noqa: E402

MAGIC = b"\xfebin"
IGNORABLE = 28


def _with_relay(stage, source, settings=()):
    relay = stage.relay(source)
    relay.set_rules(operations.rule_rows())
    relay.user, relay.password = relay.add_account("consumer", view="rules")
    relay.restart()
    operations.run(source, settings)
    relay.caught_up_with(source)
    return relay


def _received(client):
    """{file name: its events}, as a consumer gets them."""
    files, name = {}, ""
    for event in client.everything():
        kind = event[4]
        if kind == ROTATE and flags_of(event) & ARTIFICIAL:
            checksum = 4 if files else 4
            name = event[27:-checksum].decode()
            files.setdefault(name, [])
        elif kind not in HEARTBEATS:
            files[name].append(event)
    return files


def _decoded(source, files):
    folder = source.scratch("received")
    folder.chmod(0o777)
    text = ""
    for name, events in files.items():
        path = folder / name
        path.write_bytes(MAGIC + b"".join(events))
        path.chmod(0o644)
        text += row_oracle.decode(source, source.inside(path))
    return text


def _compare(stage, how, text, expected, gtids):
    found = row_oracle.rows_of(text)
    for index, (left, right) in enumerate(zip(expected, found)):
        assert left == right, f"{how}: row {index}: expected {left}, found {right}"
    assert len(expected) == len(found), f"{how}: {len(expected)} rows expected, {len(found)} found; " \
                                        f"next {(expected + [None])[len(found):][:1]} {(found + [None])[len(expected):][:1]}"
    assert row_oracle.gtids_of(text) == gtids, f"{how}: not every transaction arrived"
    stage.say(f"{how}: {len(found)} rows in {len(gtids)} transactions, as the oracle says")


def _check(stage, source, relay):
    everything = row_oracle.decode_source(source)
    rows, gtids = row_oracle.rows_of(everything), row_oracle.gtids_of(everything)
    expected = row_oracle.monitored(rows, operations.RULES)
    assert 0 < len(expected) < len(rows)
    mysql = source.flavour == "mysql"
    by_place = _received(DumpClient(relay.connect, mysql).from_file(source.binlog_names()[0], 4))
    _compare(stage, "by file and position", _decoded(source, by_place), expected, gtids)
    by_gtid = _received(DumpClient(relay.connect, mysql).from_gtids(""))
    if mysql:
        sizes = {path.name: path.stat().st_size for path in source.binlog_files()}
        for name, events in by_place.items():
            assert 4 + sum(map(len, events)) == sizes[name], f"sizes of {name} do not add up"
    _compare(stage, "by GTID", _decoded(source, by_gtid), expected, gtids)
    again = _received(DumpClient(relay.connect, mysql).from_gtids(""))
    assert again == by_gtid, "two reads differ"
    rules = relay.status()["streams"][0]["rules"]
    assert len(rules) > 8 and all(rule["events_passed"] + rule["events_dropped"] > 0 for rule in rules), rules
    return by_place


def _stops(stage, source, relay, files, count):
    """Consumers that stop behind an event and come again with its place get the rest, byte for byte."""
    mysql = source.flavour == "mysql"
    names = list(files)
    chosen = random.Random(11)
    for _ in range(count):
        name = chosen.choice([each for each in names if len(files[each]) > 3])
        events = files[name]
        stop = chosen.randrange(2, len(events))
        place = 4 + sum(map(len, events[:stop])) if mysql else log_pos_of(events[stop - 1])
        if place == 0:
            continue
        rest = _received(DumpClient(relay.connect, mysql).from_file(name, place))
        got = rest.pop(name)
        assert got[0][4] == FORMAT_DESCRIPTION
        assert got[1:] == events[stop:], f"from {name}:{place} something else came"
        assert rest == {each: files[each] for each in names[names.index(name) + 1:]}
    stage.say(f"{count} stops cost nothing")


def mysql_operations(stage):
    source = stage.mysql("source", binlog_rows_query_log_events=1, binlog_row_value_options="PARTIAL_JSON")
    relay = _with_relay(stage, source)
    assert "JSON_REPLACE(" in row_oracle.decode_source(source), "no document was logged in part"
    _stops(stage, source, relay, _check(stage, source, relay), 50)


def mysql_operations_compressed(stage):
    source = stage.mysql("source", binlog_transaction_compression=1)
    relay = _with_relay(stage, source, ["SET SESSION gtid_next = 'AUTOMATIC:tagged'"])
    _stops(stage, source, relay, _check(stage, source, relay), 50)


def mariadb_operations(stage):
    source = stage.mariadb("source", binlog_format="ROW")
    relay = _with_relay(stage, source)
    _stops(stage, source, relay, _check(stage, source, relay), 50)


def mariadb_operations_compressed(stage):
    source = stage.mariadb("source", binlog_format="ROW", log_bin_compress=1, log_bin_compress_min_len=10)
    _check(stage, source, _with_relay(stage, source))


def mariadb_118_operations(stage):
    source = stage.mariadb("source", series="11.8", binlog_format="ROW")
    _check(stage, source, _with_relay(stage, source))


def mariadb_118_operations_compressed(stage):
    source = stage.mariadb("source", series="11.8", binlog_format="ROW", log_bin_compress=1, log_bin_compress_min_len=10)
    relay = _with_relay(stage, source)
    _stops(stage, source, relay, _check(stage, source, relay), 50)


scenario.main(mysql_operations, mysql_operations_compressed, mariadb_operations, mariadb_operations_compressed,
              mariadb_118_operations, mariadb_118_operations_compressed)
