"""MariaDB 10.11 and 11.8 -> relay -> the same."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from replication import follow, settle, whole_workload  # noqa: E402
from workload import Workload  # noqa: E402


def _run(stage, series, mode, **options):
    whole_workload(stage, stage.mariadb("source", series=series, **options),
                   lambda: stage.mariadb("replica", series=series), mode)


def mariadb_1011_by_gtid_row(stage):
    _run(stage, "10.11", "gtid", binlog_format="ROW")


def mariadb_1011_by_file_mixed(stage):
    _run(stage, "10.11", "file", binlog_format="MIXED")


def mariadb_1011_by_gtid_compressed(stage):
    _run(stage, "10.11", "gtid", binlog_format="ROW", log_bin_compress="ON", log_bin_compress_min_len=10)


def mariadb_118_by_gtid_mixed(stage):
    _run(stage, "11.8", "gtid", binlog_format="MIXED")


def mariadb_118_by_file_row_compressed(stage):
    _run(stage, "11.8", "file", binlog_format="ROW", log_bin_compress="ON", log_bin_compress_min_len=10)


def mariadb_118_history_first(stage):
    """The relay starts when the source already has a past; the replica when the relay has it."""
    source = stage.mariadb("source", series="11.8", binlog_format="ROW")
    Workload(source).run(sysbench_seconds=4, say=stage.say)
    relay = stage.relay(source)
    relay.caught_up_with(source)
    replica = stage.mariadb("replica", series="11.8")
    follow(replica, relay, "gtid")
    Workload(source).small(100, "live")
    settle(stage, source, relay, replica)


def mariadb_encrypted(stage):
    """encrypt_binlog: what the relay stores is clear text, so only the replica can be compared here."""
    whole_workload(stage, stage.mariadb("source", encryption=True, binlog_format="ROW"),
                   lambda: stage.mariadb("replica"), "gtid")


scenario.main(mariadb_1011_by_gtid_row, mariadb_1011_by_file_mixed, mariadb_1011_by_gtid_compressed,
              mariadb_118_by_gtid_mixed, mariadb_118_by_file_row_compressed, mariadb_118_history_first, mariadb_encrypted)
