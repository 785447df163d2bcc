"""Binary logs to measure with, made once for each size by a MySQL 9.7 and kept: the same statements each time.

W1: small transactions, INSERTs of 1 to 4 rows of about 190 bytes and UPDATEs of one row, into one table.
W2: INSERT ... SELECT of 50,000 rows: row events of 8 KB in transactions of about 10 MB.
W3: as W1, over 100 tables.
"""

import random
import shutil

from lab import MySql, machine

SEED = 20_260_101
FULL_BYTES, QUICK_BYTES = 1_500_000_000, 150_000_000
W2_ROWS = 50_000
TRANSACTIONS_A_CALL = 500
COLUMNS = "id BIGINT AUTO_INCREMENT PRIMARY KEY, at BIGINT NOT NULL, what VARCHAR(200) NOT NULL"
ROW = "(i, RPAD(CONCAT('row ', i, ' of a small transaction '), 160, 'abcdefghijklmnopqrstuvwxyz'))"
# Every fifth transaction updates a row that the one before has inserted.
SMALL = f"""CREATE PROCEDURE bench.small_{{table}}(begin BIGINT, calls INT)
BEGIN
  DECLARE i BIGINT DEFAULT begin;
  WHILE i < begin + calls DO
    CASE i %% 5
      WHEN 0 THEN INSERT INTO bench.{{table}} (at, what) VALUES {ROW};
      WHEN 1 THEN INSERT INTO bench.{{table}} (at, what) VALUES {ROW}, {ROW};
      WHEN 2 THEN INSERT INTO bench.{{table}} (at, what) VALUES {ROW}, {ROW}, {ROW};
      WHEN 3 THEN INSERT INTO bench.{{table}} (at, what) VALUES {ROW}, {ROW}, {ROW}, {ROW};
      ELSE UPDATE bench.{{table}} SET at = at + 1 WHERE id = LAST_INSERT_ID();
    END CASE;
    SET i = i + 1;
  END WHILE;
END"""


class Workload:
    """A log of about `size` bytes; server() gives a server of one's own that has it."""

    def __init__(self, name, size):
        self.name, self.size = name, size
        self._kept = machine.cache_dir() / "bench" / f"{name}-{size // 1_000_000}"

    def server(self, **options):
        """A running MySQL whose binary log is the workload."""
        return self.stopped_server(**options).start()

    def stopped_server(self, **options):
        with machine.cache_lock(f"bench-{self.name}"):
            if not (self._kept / "ready").exists():
                self._make()
        server = MySql(self.name.lower(), **options)
        server.datadir.parent.mkdir(exist_ok=True)
        server._copy_data(self._kept / "data")
        server.password = (self._kept / "password").read_text()
        return server

    def _make(self):
        print(f"making {self.name} of {self.size / 1e6:.0f} MB, once", flush=True)
        shutil.rmtree(self._kept, ignore_errors=True)
        self._kept.mkdir(parents=True)
        server = MySql(self.name.lower(), innodb_flush_log_at_trx_commit=0, max_binlog_size="1G").start()
        getattr(self, f"_write_{self.name.lower()}")(server)
        server.unlogged("DROP DATABASE bench")
        server.stop()
        machine.run(["cp", "-r", "--sparse=always", server.datadir, self._kept / "data"])
        (self._kept / "password").write_text(server.password)
        shutil.rmtree(server.datadir)
        (self._kept / "ready").touch()

    def _written(self, server):
        return sum(path.stat().st_size for path in server.binlog_files())

    def _write_w1(self, server):
        self._write_small(server, ["t"])

    def _write_w3(self, server):
        self._write_small(server, [f"t{number:03}" for number in range(100)])

    def _write_small(self, server, tables):
        chance = random.Random(SEED)
        server.sql("CREATE DATABASE bench")
        for table in tables:
            server.sql(f"CREATE TABLE bench.{table} ({COLUMNS})")
            server.unlogged(SMALL.format(table=table).replace("%%", "%"))
        done = 0
        calls = TRANSACTIONS_A_CALL if len(tables) == 1 else 20
        while self._written(server) < self.size:
            for _ in range(50):
                server.sql(f"CALL bench.small_{chance.choice(tables)}({done}, {calls})")
                done += calls

    def _write_w2(self, server):
        server.sql("CREATE DATABASE bench")
        server.sql(f"CREATE TABLE bench.origin ({COLUMNS})")
        server.sql(f"CREATE TABLE bench.copy ({COLUMNS})")
        server.sql("SET SESSION cte_max_recursion_depth = 1000000")
        server.unlogged("INSERT INTO bench.origin (at, what) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                        f"FROM n WHERE i < {W2_ROWS}) SELECT i, RPAD(CONCAT('row ', i), 176, 'abcdefghij') FROM n")
        while self._written(server) < self.size:
            server.sql("INSERT INTO bench.copy (at, what) SELECT at, what FROM bench.origin")
            server.unlogged("TRUNCATE bench.copy")


def binlog_bytes(server):
    return sum(path.stat().st_size for path in server.binlog_files())
