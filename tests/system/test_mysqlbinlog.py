"""mysqlbinlog --read-from-remote-server --raw --to-last-log of both families, through the relay."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from compare import same_bytes  # noqa: E402
from replication import raw_copies  # noqa: E402
from workload import Workload  # noqa: E402

MYSQL = ("/usr/bin/mysqlbinlog", "--get-server-public-key")
MARIADB = ("/usr/bin/mariadb-binlog",)


def _copies_equal(stage, source, program, *arguments):
    Workload(source).run(sysbench_seconds=4)
    relay = stage.relay(source)
    relay.caught_up_with(source)
    stage.say("the relay has everything")
    first = source.binlog_names()[0]
    copies = raw_copies(source, program, relay, relay.port, relay.user, relay.password, first, *arguments)
    if source.encryption:  # the files are not clear text: what mysqlbinlog gets from the source is the measure
        expected = raw_copies(source, program, source, source.port, source.user, source.password, first, *arguments)
        stored = relay.segment_files()
    else:
        expected = {path.name: path for path in source.binlog_files()}
        stored = {}
    assert copies.keys() == expected.keys(), f"{sorted(copies)} instead of {sorted(expected)}"
    total = sum(same_bytes(expected[name], copy) for name, copy in copies.items())
    stage.say(f"{len(copies)} files, {total} bytes equal")
    if source.encryption and not stage.direct:
        sum(same_bytes(expected[name], path) for name, path in stored.items())


def mysql_raw(stage):
    _copies_equal(stage, stage.mysql("source"), *MYSQL)


def mysql_raw_encrypted(stage):
    _copies_equal(stage, stage.mysql("source", encryption=True), *MYSQL)


def mariadb_1011_raw(stage):
    _copies_equal(stage, stage.mariadb("source", series="10.11"), *MARIADB)


def mariadb_1011_raw_encrypted(stage):
    _copies_equal(stage, stage.mariadb("source", series="10.11", encryption=True), *MARIADB)


def mariadb_118_raw(stage):
    _copies_equal(stage, stage.mariadb("source", series="11.8"), *MARIADB)


def mariadb_118_raw_encrypted(stage):
    _copies_equal(stage, stage.mariadb("source", series="11.8", encryption=True), *MARIADB)


scenario.main(mysql_raw, mysql_raw_encrypted, mariadb_1011_raw, mariadb_1011_raw_encrypted, mariadb_118_raw,
              mariadb_118_raw_encrypted)
