"""/metrics, /healthz and /readyz of a running relay, as a monitoring system reads them."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import pymysql  # noqa: E402
import scenario  # noqa: E402
from lab.machine import wait_until  # noqa: E402
from replication import follow, settle  # noqa: E402
from workload import Workload  # noqa: E402

SAMPLE = re.compile(r'([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_][a-z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)')
LABEL = re.compile(r'([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')


def metrics(relay):
    """{name: [(labels, value)]}; what does not follow the text format is an error."""
    status, content_type, text = relay.get("/metrics")
    assert status == 200 and content_type == "text/plain; version=0.0.4; charset=utf-8", (status, content_type)
    found, family = {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert family not in found, f"{family} stands in two places"
            found[family] = []
        elif line.startswith("# TYPE "):
            assert line.split()[2] == family and line.split()[3] in ("counter", "gauge", "histogram"), line
        else:
            name, labels, value = SAMPLE.fullmatch(line).groups()
            assert name == family or re.sub("_(bucket|sum|count)$", "", name) == family, line
            found.setdefault(name, []).append((dict(LABEL.findall(labels or "")), float(value)))
    return found


def value(relay, name, **labels):
    """The one sample with these labels; None when there is none."""
    found = [number for has, number in metrics(relay).get(name, []) if labels.items() <= has.items()]
    assert len(found) < 2, f"{name}{labels} is not one sample"
    return found[0] if found else None


def _watched(stage, source, replica):
    relay = stage.relay(source)
    follow(replica, relay, "gtid")
    assert relay.get("/healthz")[::2] == (200, "ok\n")
    assert relay.get("/readyz")[::2] == (200, "ready\n")

    Workload(source).small(200)
    source.sql("FLUSH BINARY LOGS")
    Workload(source).small(50, "more")
    settle(stage, source, relay, replica)
    name, position = source.binlog_position()
    assert value(relay, "binrelay_source_connected") == 1
    for end in ("written", "durable", "visible"):
        assert value(relay, "binrelay_log_end_file_number", end=end) == int(name.rpartition(".")[2])
        assert value(relay, "binrelay_log_end_bytes", end=end) == position
    wait_until("no lag", lambda: value(relay, "binrelay_source_lag_bytes") == 0, 30)
    assert value(relay, "binrelay_source_lag_seconds") == 0
    assert value(relay, "binrelay_received_transactions_total") >= 250
    assert value(relay, "binrelay_log_bytes") == sum(path.stat().st_size for path in relay.segment_files().values())
    assert value(relay, "binrelay_log_sync_seconds_count") > 0
    assert value(relay, "binrelay_consumer_lag_bytes", user="replica") == 0
    assert value(relay, "binrelay_consumer_lag_seconds", server_id=str(replica.server_id)) == 0
    assert value(relay, "binrelay_consumer_sent_bytes_total", user="replica") > position
    for counter in ("log_gaps", "log_bad_blocks", "slow_consumers_ended", "source_reconnects"):
        assert value(relay, f"binrelay_{counter}_total") == 0, (counter, relay.get("/metrics"))
    assert 0 < value(relay, "binrelay_disk_free_bytes") < value(relay, "binrelay_disk_total_bytes")
    stage.say(f"{len(metrics(relay))} metrics agree with source and replica")

    refused = value(relay, "binrelay_logins_refused_total")
    try:
        relay.connect(password="wrong").close()
        raise AssertionError("a wrong password was taken")
    except pymysql.err.OperationalError:
        pass
    assert value(relay, "binrelay_logins_refused_total") == refused + 1

    source.stop()
    wait_until("the loss shows", lambda: value(relay, "binrelay_source_connected") == 0, 30)
    wait_until("attempts are counted", lambda: value(relay, "binrelay_source_reconnects_total") > 0, 30)
    assert relay.get("/readyz")[0] == 200, "what is stored is served without the source"
    stage.say("the source's loss shows, the relay stays ready")


def mysql_metrics(stage):
    stage.needs_relay()
    _watched(stage, stage.mysql("source"), stage.mysql("replica"))


def mariadb_metrics(stage):
    stage.needs_relay()
    _watched(stage, stage.mariadb("source", binlog_format="ROW"), stage.mariadb("replica"))


scenario.main(mysql_metrics, mariadb_metrics)
