"""Workload: writes to a source everything a binary log can carry that replicas must see unchanged.

Each part is a method; all are deterministic for a seed, but for sysbench's interleaving. Parts a server cannot do are
not offered for it (see `parts`).
"""

import contextlib
import random
import subprocess

from lab import machine
from lab.machine import Process

MIB = 1 << 20
BIGGEST_PACKET = (1 << 24) - 1


class Workload:
    def __init__(self, source, seed=20261122):
        self.source = source
        self.random = random.Random(seed)
        self.is_mysql = source.flavour == "mysql"
        self._sysbench = None

    # ---- which parts, in which order

    def parts(self):
        common = [self.ddl, self.all_types, self.json, self.savepoints, self.temporary_tables, self.multi_table_updates,
                  self.foreign_keys, self.not_transactional, self.xa, self.big_rows, self.packet_boundaries, self.flush,
                  self.checksum_changes]
        if self.is_mysql:
            return common + [self.payload_compression] + ([self.tagged_gtids] if self.source.gtid else [])
        return common + [self.domains, self.statements, self.sequences, self.compressed_events]

    def run(self, sysbench_seconds=8, say=lambda text: None):
        """Every part, while sysbench writes beside them."""
        self.sysbench_start(sysbench_seconds)
        say("sysbench prepared")
        for part in self.parts():
            self.source.sql("CREATE DATABASE IF NOT EXISTS work CHARACTER SET utf8mb4")
            part()
            say(f"did {part.__name__}")
        self.sysbench_finish()
        say("sysbench finished")

    def small(self, transactions=200, table="small"):
        """Many small transactions, for scenarios where only order and number matter."""
        with self._session() as run:
            run("CREATE DATABASE IF NOT EXISTS work CHARACTER SET utf8mb4")
            run(f"CREATE TABLE IF NOT EXISTS work.{table} (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200))")
            for _ in range(transactions):
                run(f"INSERT INTO work.{table} (text) VALUES (%s)", self._text(self.random.randrange(10, 200)))

    # ---- sysbench

    def sysbench_start(self, seconds, tables=4, rows=2000, threads=4):
        self.source.sql("CREATE DATABASE IF NOT EXISTS sbtest")
        machine.run([*self._sysbench_command(tables, rows, threads), "prepare"])
        # The connector logs in with caching_sha2_password: the run finds the password cached by the prepare step.
        self._sysbench = Process([*self._sysbench_command(tables, rows, threads), f"--time={seconds}", "run"],
                                 self.source.dir / "sysbench.log")

    def sysbench_finish(self):
        code = self._sysbench.wait(600)
        assert code == 0, "sysbench: " + self._sysbench.log.read_text()[-2000:]

    def _sysbench_command(self, tables, rows, threads):
        return ["sysbench", "oltp_read_write", "--db-driver=mysql", "--mysql-host=127.0.0.1",
                f"--mysql-port={self.source.port}", f"--mysql-user={self.source.user}",
                f"--mysql-password={self.source.password}", "--mysql-db=sbtest", f"--tables={tables}",
                f"--table-size={rows}", f"--threads={threads}", f"--rand-seed={self.random.randrange(1 << 30)}",
                "--mysql-ignore-errors=1213,1020,1205"]

    # ---- parts for both families

    def ddl(self):
        with self._session() as run:
            run("CREATE TABLE shapes (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40), area DOUBLE) "
                "PARTITION BY HASH (id) PARTITIONS 4")
            for _ in range(20):
                run("INSERT INTO shapes (name, area) VALUES (%s, %s)", self._text(20), self.random.random() * 100)
            run("ALTER TABLE shapes ADD COLUMN colour VARCHAR(20) NOT NULL DEFAULT 'red', ADD INDEX (name)")
            run("UPDATE shapes SET colour = CONCAT('c', id MOD 3)")
            run("ALTER TABLE shapes MODIFY colour VARCHAR(400) CHARACTER SET utf8mb4, DROP COLUMN area")
            run("CREATE TABLE shapes_copy LIKE shapes")
            run("INSERT INTO shapes_copy SELECT * FROM shapes")
            run("RENAME TABLE shapes_copy TO shapes_moved")
            run("CREATE TABLE shapes_selected AS SELECT id, colour FROM shapes WHERE id > 5")
            run("TRUNCATE TABLE shapes")
            run("INSERT INTO shapes (name, colour) VALUES ('ünïcödé 图形', 'blau')")
            run("CREATE VIEW reds AS SELECT * FROM shapes_moved WHERE colour = 'c1'")
            run("CREATE TABLE journal (n INT AUTO_INCREMENT PRIMARY KEY, shape INT)")
            run("CREATE TRIGGER note AFTER DELETE ON shapes_moved FOR EACH ROW INSERT INTO journal (shape) VALUES (OLD.id)")
            run("CREATE PROCEDURE thin(IN what INT) DELETE FROM shapes_moved WHERE id MOD what = 0")
            run("CALL thin(3)")
            run("DROP PROCEDURE thin")
            run("CREATE DATABASE brief")
            run("CREATE TABLE brief.life (id INT)")
            run("DROP DATABASE brief")

    def all_types(self):
        with self._session() as run:
            run("CREATE TABLE types (id INT PRIMARY KEY AUTO_INCREMENT, ti TINYINT, si SMALLINT UNSIGNED, mi MEDIUMINT, "
                "bi BIGINT UNSIGNED, f FLOAT, d DOUBLE, n DECIMAL(30,10), b BIT(17), y YEAR, da DATE, t3 TIME(3), "
                "dt DATETIME(6), ts TIMESTAMP(2) NULL, c CHAR(30), vb VARBINARY(300), tb TINYBLOB, lt LONGTEXT, "
                "e ENUM('a','b','c'), s SET('x','y','z'), g POINT)")
            for _ in range(60):
                number = self.random.randrange(1 << 20)
                run("INSERT INTO types (ti, si, mi, bi, f, d, n, b, y, da, t3, dt, ts, c, vb, tb, lt, e, s, g) VALUES "
                    "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, ST_PointFromText(%s))",
                    number % 256 - 128, number % 65536, number - (1 << 19), number << 40, number / 7, number / 11,
                    f"-{number}.{number}", number % (1 << 17), 1970 + number % 100, f"20{number % 90 + 10}-02-03",
                    f"-{number % 800}:01:02.345", "2026-11-22 10:11:12.131415", "2026-11-22 01:02:03.45", self._text(30),
                    self._bytes(number % 300), self._bytes(number % 250), self._text(number % 5000),
                    "abc"[number % 3], "x,z" if number % 2 else "", f"POINT({number} 3)")
            run("INSERT INTO types () VALUES ()")
            run("UPDATE types SET lt = NULL, d = d * 2 WHERE id MOD 3 = 0")
            run("DELETE FROM types WHERE id MOD 7 = 0")

    def json(self):
        with self._session() as run:
            if self.is_mysql:
                run("SET SESSION binlog_row_value_options = PARTIAL_JSON")
            run("CREATE TABLE documents (id INT PRIMARY KEY, body JSON)")
            for number in range(40):
                run("INSERT INTO documents VALUES (%s, JSON_OBJECT('name', %s, 'list', JSON_ARRAY(1, 2.5, NULL, TRUE), "
                    "'text', %s))", number, self._text(30), self._text(2000))
            for number in range(40):
                run("UPDATE documents SET body = JSON_SET(body, '$.name', %s) WHERE id = %s", self._text(10), number)
                run("UPDATE documents SET body = JSON_REPLACE(body, '$.list[1]', %s) WHERE id = %s", number, number)
            run("UPDATE documents SET body = JSON_REMOVE(body, '$.list[0]') WHERE id < 20")
            run("UPDATE documents SET body = JSON_SET(body, '$.added', JSON_OBJECT('deep', JSON_ARRAY('x'))) WHERE id > 30")

    def savepoints(self):
        with self._session() as run:
            run("CREATE TABLE steps (id INT PRIMARY KEY, text VARCHAR(100))")
            for base in range(0, 300, 10):
                run("BEGIN")
                run("INSERT INTO steps VALUES (%s, 'kept')", base)
                run("SAVEPOINT one")
                run("INSERT INTO steps VALUES (%s, 'undone')", base + 1)
                run("SAVEPOINT two")
                run("INSERT INTO steps VALUES (%s, 'undone too')", base + 2)
                run("ROLLBACK TO SAVEPOINT two")
                run("INSERT INTO steps VALUES (%s, 'after two')", base + 3)
                if base % 20:
                    run("ROLLBACK TO SAVEPOINT one")
                run("UPDATE steps SET text = CONCAT(text, '!') WHERE id = %s", base)
                run("ROLLBACK" if base % 50 == 40 else "COMMIT")

    def temporary_tables(self):
        with self._session() as run:
            run("CREATE TABLE kept (id INT PRIMARY KEY, text VARCHAR(100))")
            run("CREATE TEMPORARY TABLE passing (id INT PRIMARY KEY, text VARCHAR(100))")
            for number in range(30):
                run("INSERT INTO passing VALUES (%s, %s)", number, self._text(50))
            run("INSERT INTO kept SELECT * FROM passing WHERE id MOD 2 = 0")
            run("ALTER TABLE passing ADD COLUMN more INT")
            run("UPDATE kept JOIN passing USING (id) SET kept.text = 'joined' WHERE passing.id > 20")
            run("DROP TEMPORARY TABLE passing")
            run("CREATE TEMPORARY TABLE left_open (id INT)")  # dropped by the end of the session

    def multi_table_updates(self):
        with self._session() as run:
            for table in ("stock", "orders", "totals"):
                run(f"CREATE TABLE {table} (id INT PRIMARY KEY, amount INT NOT NULL)")
                run(f"INSERT INTO {table} VALUES " + ", ".join(f"({i}, {self.random.randrange(100)})" for i in range(200)))
            for _ in range(10):
                run("UPDATE stock, orders, totals SET stock.amount = stock.amount - 1, orders.amount = orders.amount + 1, "
                    "totals.amount = stock.amount + orders.amount WHERE stock.id = orders.id AND orders.id = totals.id AND "
                    "stock.id MOD %s = 0", self.random.randrange(2, 9))
            run("DELETE stock, orders FROM stock JOIN orders USING (id) WHERE stock.amount < 20")

    def foreign_keys(self):
        with self._session() as run:
            run("CREATE TABLE parents (id INT PRIMARY KEY) ENGINE=InnoDB")
            run("CREATE TABLE children (id INT AUTO_INCREMENT PRIMARY KEY, parent INT, text VARCHAR(20), "
                "FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE ON UPDATE CASCADE) ENGINE=InnoDB")
            run("CREATE TABLE pets (id INT AUTO_INCREMENT PRIMARY KEY, child INT, "
                "FOREIGN KEY (child) REFERENCES children (id) ON DELETE SET NULL) ENGINE=InnoDB")
            for parent in range(50):
                run("INSERT INTO parents VALUES (%s)", parent)
                run("INSERT INTO children (parent, text) VALUES (%s, 'a'), (%s, 'b')", parent, parent)
                run("INSERT INTO pets (child) SELECT id FROM children WHERE parent = %s", parent)
            run("DELETE FROM parents WHERE id MOD 3 = 0")
            run("UPDATE parents SET id = id + 1000 WHERE id MOD 5 = 0")

    def not_transactional(self):
        with self._session() as run:
            run("CREATE TABLE loose (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(100)) ENGINE=MyISAM")
            for _ in range(30):
                run("INSERT INTO loose (text) VALUES (%s)", self._text(60))
            run("UPDATE loose SET text = UPPER(text) WHERE id MOD 2 = 0")
            run("DELETE FROM loose WHERE id MOD 5 = 0")

    def xa(self):
        with self._session() as run:
            run("CREATE TABLE branches (id INT PRIMARY KEY, text VARCHAR(100))")
            for number in range(12):
                run("XA START %s", f"branch{number}")
                run("INSERT INTO branches VALUES (%s, %s)", number, self._text(50))
                run("XA END %s", f"branch{number}")
                if number % 4 == 3:
                    run("XA COMMIT %s ONE PHASE", f"branch{number}")
                    continue
                run("XA PREPARE %s", f"branch{number}")
                if number % 4 == 0:
                    self.source.sql("FLUSH BINARY LOGS")  # prepared in one file, finished in another
                if number % 4 == 2:
                    self.source.sql("INSERT INTO work.branches VALUES (%s, 'between')", 100 + number)
                run("XA ROLLBACK %s" if number % 4 == 1 else "XA COMMIT %s", f"branch{number}")

    def big_rows(self):
        """Events of 20 MiB, and a transaction of many of 1 MiB."""
        with self._session() as run:
            self._rows_not_statements(run)
            run("CREATE TABLE big (id INT AUTO_INCREMENT PRIMARY KEY, body LONGBLOB)")
            run("INSERT INTO big (body) VALUES (%s)", self._bytes(20 * MIB))
            run("INSERT INTO big (body) VALUES (REPEAT(%s, %s))", self._text(64), 20 * MIB // 64)
            run("UPDATE big SET body = CONCAT(body, 'x') WHERE id = 2")
            run("BEGIN")
            for _ in range(20):
                run("INSERT INTO big (body) VALUES (REPEAT(%s, %s))", self._text(64), MIB // 64)
            run("COMMIT")

    def drop_big_rows(self):
        with self._session() as run:
            run("DROP TABLE big")

    def packet_boundaries(self):
        """Row events whose packet (a status byte and the event) is one byte below, at and one byte above 2^24 - 1."""
        with self._session() as run:
            self._rows_not_statements(run)
            run("CREATE TABLE edges (id INT AUTO_INCREMENT PRIMARY KEY, body LONGBLOB)")
            size = BIGGEST_PACKET - 200
            overhead = self._event_size_of(run, size) - size
            if not 0 < overhead < 200:
                return  # events are compressed: their size cannot be chosen
            for packet in (BIGGEST_PACKET - 1, BIGGEST_PACKET, BIGGEST_PACKET + 1):
                event = self._event_size_of(run, packet - 1 - overhead)
                assert event == packet - 1, f"wanted an event of {packet - 1} bytes, got {event}"

    def _event_size_of(self, run, body):
        """Inserts a body of this size and returns the size of its rows event, the largest of a new file."""
        self.source.sql("FLUSH BINARY LOGS")
        run("INSERT INTO edges (body) VALUES (REPEAT('a', %s))", body)
        events = self.source.binlog_events(self.source.binlog_names()[-1])
        starts = [start for start, *_ in events] + [self.source.binlog_position()[1]]
        return max(end - start for start, end in zip(starts, starts[1:]))

    def flush(self):
        for _ in range(3):
            self.source.sql("FLUSH BINARY LOGS")
            self.source.sql("CREATE TABLE IF NOT EXISTS work.between_files (id INT AUTO_INCREMENT PRIMARY KEY)")
            self.source.sql("INSERT INTO work.between_files VALUES ()")
        self.source.sql("FLUSH BINARY LOGS")
        self.source.sql("FLUSH BINARY LOGS")  # a file without transactions

    def checksum_changes(self):
        for algorithm in ("NONE", "CRC32", "NONE", "CRC32"):
            self.source.sql(f"SET GLOBAL binlog_checksum = {algorithm}")
            self.small(20, "under_checksums")

    # ---- MySQL only

    def payload_compression(self):
        with self._session() as run:
            run("CREATE TABLE packed (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)")
            for number in range(20):
                run(f"SET SESSION binlog_transaction_compression = {'ON' if number % 3 else 'OFF'}")
                run(f"SET SESSION binlog_transaction_compression_level_zstd = {1 + number}")
                run("BEGIN")
                run("INSERT INTO packed (text) VALUES (%s), (REPEAT('packed ', %s))", self._text(3000), number * 10000)
                run("UPDATE packed SET text = CONCAT(text, '.') WHERE id MOD 4 = 0")
                run("COMMIT")

    def tagged_gtids(self):
        with self._session() as run:
            run("CREATE TABLE tagged (id INT AUTO_INCREMENT PRIMARY KEY, tag VARCHAR(40))")
            for number in range(30):
                tag = ("", "blue", "green_2", "a_tag_as_long_as_a_tag_may_be_____")[number % 4][:32]
                run(f"SET gtid_next = 'AUTOMATIC{':' + tag if tag else ''}'")
                run("INSERT INTO tagged (tag) VALUES (%s)", tag)
            run("SET gtid_next = 'AUTOMATIC'")
            # Someone else's uuid, with a hole in the numbers.
            for number in (1, 2, 5, 6):
                run(f"SET gtid_next = '11111111-2222-3333-4444-555555555555:elsewhere:{number}'")
                run("INSERT INTO tagged (tag) VALUES ('foreign')")
            run("SET gtid_next = 'AUTOMATIC'")

    # ---- MariaDB only

    def domains(self):
        with self._session() as run:
            # Each in its domain: a replica with parallel threads brings the transactions of different domains into no order.
            for domain in (0, 5, 7):
                run(f"SET SESSION gtid_domain_id = {domain}")
                run(f"CREATE TABLE domain_{domain} (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(100))")
            for number in range(60):
                domain = (0, 5, 7)[number % 3]
                run(f"SET SESSION gtid_domain_id = {domain}")
                run(f"INSERT INTO domain_{domain} (text) VALUES (%s)", self._text(40))
                if number == 30:
                    self.source.sql("FLUSH BINARY LOGS")

    def statements(self):
        """Statement events with the variables they depend on; what is unsafe turns to rows under MIXED."""
        with self._session() as run:
            run("SET SESSION binlog_format = MIXED")
            run("CREATE TABLE worded (id INT AUTO_INCREMENT PRIMARY KEY, n DOUBLE, text VARCHAR(200), at TIMESTAMP(6) NULL)")
            for _ in range(20):
                run("SET @word = %s, @number = %s", self._text(30), self.random.random())
                run("INSERT INTO worded (n, text, at) VALUES (@number, @word, NOW(6))")
                run("INSERT INTO worded (n, text) VALUES (RAND(), CONCAT('rand', LAST_INSERT_ID()))")
                run("INSERT INTO worded (n, text) VALUES (1, UUID())")
            run("UPDATE worded SET text = CONCAT(text, '.') WHERE id > 10")
            run("DELETE FROM worded WHERE id MOD 9 = 0")

    def sequences(self):
        with self._session() as run:
            run("CREATE SEQUENCE tickets START WITH 100 INCREMENT BY 10 CACHE 5")
            run("CREATE TABLE sold (id INT PRIMARY KEY)")
            for _ in range(20):
                run("INSERT INTO sold VALUES (NEXT VALUE FOR tickets)")

    def compressed_events(self):
        before = self.source.value("SELECT @@global.log_bin_compress")
        for setting in (1, 0, 1):
            self.source.sql(f"SET GLOBAL log_bin_compress = {setting}")
            with self._session() as run:
                run("CREATE TABLE IF NOT EXISTS squeezed (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)")
                for number in range(10):
                    run("INSERT INTO squeezed (text) VALUES (REPEAT('again ', %s))", 10 + number * 5000)
                run("UPDATE squeezed SET text = CONCAT(text, '.')")
                run("DELETE FROM squeezed WHERE id MOD 4 = 0")
        self.source.sql(f"SET GLOBAL log_bin_compress = {before}")

    # ---- how

    @contextlib.contextmanager
    def _session(self):
        """A connection of its own, as a function that runs one statement."""
        connection = self.source.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("CREATE DATABASE IF NOT EXISTS work CHARACTER SET utf8mb4")
                cursor.execute("USE work")

                def run(statement, *values):
                    cursor.execute(statement, values or None)
                    return cursor.fetchall()
                yield run
        finally:
            connection.close()

    def _rows_not_statements(self, run):
        if not self.is_mysql:
            run("SET SESSION binlog_format = ROW")

    def _text(self, length):
        return "".join(self.random.choices("abcdefghijklmnopqrstuvwxyz é图 ", k=length))

    def _bytes(self, length):
        return self.random.randbytes(length)
