"""tls_1: how fast is a stored log served to one consumer over TLS? Both ends settle on the same cipher."""

import ssl
import time

from bare_loops import cpu_seconds, dump_command
from rounds import Rounds
from serve import Serving

CIPHER = "TLS_AES_256_GCM_SHA384"
READ = 1 << 18


def _over_tls(end, file, expected, **account):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = end.connect(ssl=context, **account)
    with connection.cursor() as cursor:
        cursor.execute("SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'")
    sock = connection._sock
    if sock.cipher()[0] != CIPHER:
        raise RuntimeError(f"{end.name} settled on {sock.cipher()[0]}, not on {CIPHER}")
    sock.settimeout(None)
    room, received = bytearray(READ), 0
    before, began = cpu_seconds(end.process), time.monotonic()
    sock.sendall(dump_command(file))
    while received < expected:  # the stream's packets are as many bytes whoever sends them, give or take the head
        count = sock.recv_into(room)
        if count == 0:
            raise RuntimeError("the dump ended early")
        received += count
    seconds = time.monotonic() - began
    cpu = cpu_seconds(end.process) - before
    connection._force_close()
    return received / 1e6 / seconds, cpu / (received / 1e9)


def measure(question, options):
    for workload in options.workloads("W1", "W2"):
        serving = Serving(workload, tls_ciphersuites=CIPHER)
        expected = sum(path.stat().st_size for path in serving.files)
        file, peer = serving.files[0].name, serving.account
        yield Rounds(question, workload.name, "MB/s", options.rounds).run(
            relay=lambda: _over_tls(serving.relay, file, expected, user=serving.relay.user, password=serving.relay.password),
            peer=lambda: _over_tls(serving.source, file, expected, user=peer[0], password=peer[1]))
        serving.end()
