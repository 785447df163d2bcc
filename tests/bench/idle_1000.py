"""idle_1000: what does a consumer cost that waits at the end of a log where nothing happens?"""

import resource
import ssl
import time

from bare_loops import cpu_seconds, dump_command
from bench_relay import BenchRelay
from lab import MySql
from rounds import Rounds

CONSUMERS = 1000


def _idle_dump(source, relay, **more):
    connection = relay.connect(**more)
    file, position = source.binlog_position()
    with connection.cursor() as cursor:
        cursor.execute("SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'")
    connection._sock.sendall(dump_command(file, position, blocking=True))
    return connection


def _trusting():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def measure(question, options):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * CONSUMERS)), hard))
    source = MySql("source").start()
    for name, more in (("no TLS", {}), ("TLS", {"ssl": _trusting()})):
        relay = BenchRelay(source, name="relay-" + name.replace(" ", "-").lower(), limits={"connections_per_account": 2 * CONSUMERS}).start()
        relay.caught_up_with(source)
        before = relay.process.memory_bytes()
        dumps = [_idle_dump(source, relay, **more) for _ in range(CONSUMERS)]
        time.sleep(3)
        held = (relay.process.memory_bytes() - before) / 1024 / CONSUMERS
        used, began = cpu_seconds(relay.process), time.monotonic()
        time.sleep(options.seconds * 2)
        share = (cpu_seconds(relay.process) - used) / (time.monotonic() - began)
        memory, core = Rounds(question, name, "KiB each", 1), Rounds(question, name, "% of a core", 1)
        memory.add("relay", held)
        core.add("relay", 100 * share)
        yield from (memory.row(), core.row())
        for dump in dumps:
            dump._force_close()
        relay.stop()
    source.discard()
