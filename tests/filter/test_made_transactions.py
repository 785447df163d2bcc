"""Made transactions through the rewrite, read by a strict decoder and then by the real mysqlbinlog, which checks every sum; written
again they are the same bytes. 2,000 of each form; a million in all with --full."""

import hashlib
import pathlib
import re
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "support"), str(pathlib.Path(__file__).resolve().parent)]

import scenario  # noqa: E402
from lab import MariaDb, MySql, Unavailable, machine  # noqa: E402
from lab.relay import binary  # noqa: E402

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
GROUPS_IN_FILE = 50_000
ROWS_EVENT = re.compile(rb"\t(?:Write|Update|Delete)_rows(?:_v1)?: table id (\d+)")


def _written(server, form, count, seed, folder, name):
    maker = binary().parent / "tests/filter/made_log"
    if not maker.exists():
        raise Unavailable(f"no {maker}")
    like = GOLDEN / ("mysql-9.7-row.binlog" if server.flavour == "mysql" else "mariadb-10.11-row.binlog")
    path = folder / name
    rows = machine.run([maker, server.flavour, form, count, seed, like, path]).stdout
    path.chmod(0o644)
    return path, int(rows)


def _play(stage, server, forms, total):
    folder = server.scratch("made")
    folder.chmod(0o755)
    for form in forms:
        left, seed, rows = total // len(forms) if stage.full else 2000, 1, 0
        done = left
        while left > 0:
            count = min(left, GROUPS_IN_FILE)
            path, expected = _written(server, form, count, seed, folder, "made.000001")
            program = "mysqlbinlog" if server.flavour == "mysql" else "mariadb-binlog"
            text = server.run_client(program, "--no-defaults", "--verify-binlog-checksum", "--base64-output=decode-rows",
                                     server.inside(path)).stdout
            found = len(ROWS_EVENT.findall(text if isinstance(text, bytes) else text.encode()))
            assert found == expected, f"{form}, seed {seed}: {expected} row events written, {found} read"
            if seed == 1:
                again, _ = _written(server, form, count, seed, folder, "again.000001")
                assert _digest(path) == _digest(again), "written again they are other bytes"
            left, seed, rows = left - count, seed + 1, rows + found
        stage.say(f"{form}: {done} transactions with {rows} row events")


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mysql_made_transactions(stage):
    _play(stage, MySql("programs"), ["by_gtid", "by_file"], 700_000)


def mariadb_made_transactions(stage):
    _play(stage, MariaDb("programs"), ["by_gtid"], 300_000)


scenario.main(mysql_made_transactions, mariadb_made_transactions)
