"""start_20gb: how long does a relay with a large log take from its start to its first answer?

After a clean stop, and after kill -9 in the middle of receiving. The first answer: a consumer has logged in and was told
where the log ends. A quick run has a smaller log in as many files."""

import time

import pymysql

from bench_relay import BenchRelay
from lab.machine import wait_until
from large_log import LargeLog
from rounds import Rounds

POLL_SECONDS = 0.002
FILES_BETWEEN_KILLS = 2


def _end_of(relay):
    """(file, position), or None while it does not answer."""
    if not relay.alive():
        raise RuntimeError(f"{relay.name} is not running:\n{relay.log_tail()}")
    try:
        return relay.binlog_position()
    except pymysql.err.MySQLError:
        return None


def _start(relay):
    """Milliseconds."""
    began = time.monotonic()
    relay.start_again(wait=False)
    wait_until("the relay answers", lambda: _end_of(relay), 600, POLL_SECONDS)
    return 1000 * (time.monotonic() - began)


def _wait_for_file(relay, name):
    wait_until(f"the relay has {name}", lambda: _end_of(relay)[0] >= name, 1200, 5 * POLL_SECONDS)


def measure(question, options):
    log = LargeLog(options.large_bytes)
    clean = Rounds(question, f"{log.shown}, after a clean stop", "ms", options.rounds)
    killed = Rounds(question, f"{log.shown}, after kill -9", "ms", options.rounds)
    relay = BenchRelay(log.source).start()
    for name in log.names[-1 - FILES_BETWEEN_KILLS * options.rounds:-1:FILES_BETWEEN_KILLS]:
        _wait_for_file(relay, name)
        relay.kill()
        killed.add("relay", _start(relay))
    relay.caught_up_with(log.source, timeout=600)
    for _ in range(options.rounds):
        relay.stop()
        clean.add("relay", _start(relay))
    yield from (clean.row(), killed.row())
    relay.stop()
    log.discard()
