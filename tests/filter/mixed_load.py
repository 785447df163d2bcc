"""Transactions that change monitored tables (`shop`) and others (`noise`) in one statement, in one transaction, and apart."""

import random

TABLES = """CREATE DATABASE shop; CREATE DATABASE noise;
CREATE TABLE shop.orders (id INT PRIMARY KEY, v INT, t VARCHAR(200));
CREATE TABLE noise.log (id INT PRIMARY KEY AUTO_INCREMENT, v INT, t VARCHAR(200));
CREATE TABLE noise.copy (id INT PRIMARY KEY, v INT);
CREATE TABLE shop.parent (id INT PRIMARY KEY);
CREATE TABLE shop.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES shop.parent (id) ON DELETE CASCADE);
CREATE TABLE noise.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES shop.parent (id) ON DELETE CASCADE);
CREATE TRIGGER shop.logged AFTER UPDATE ON shop.orders FOR EACH ROW INSERT INTO noise.log (v, t) VALUES (NEW.v, NEW.t)"""


class MixedLoad:
    def __init__(self, source, seed=5):
        self.source, self.random, self.next_id = source, random.Random(seed), 0
        for statement in TABLES.split(";"):
            source.sql(statement)

    def run(self, transactions, compress=False, xa_every=0):
        mysql = self.source.flavour == "mysql"
        with self.source.connect("shop") as connection, connection.cursor() as cursor:
            cursor.execute("SET SESSION binlog_rows_query_log_events = 1" if mysql else "SET SESSION binlog_annotate_row_events = 1")
            if compress and mysql:
                cursor.execute("SET SESSION binlog_transaction_compression = 1")
            for number in range(transactions):
                if xa_every and mysql and number % xa_every == 0:
                    self._xa(cursor, number)
                    continue
                cursor.execute("BEGIN")
                for _ in range(self.random.randint(1, 4)):
                    for statement in self._statement():
                        cursor.execute(statement)
                cursor.execute("COMMIT" if self.random.random() < 0.9 else "ROLLBACK")

    def _id(self):
        self.next_id += 1
        return self.next_id

    def _statement(self):
        some = self.random.randint(1, max(1, self.next_id))
        text = "x" * self.random.randint(0, 150)
        return self.random.choice([
            lambda: [f"INSERT IGNORE INTO shop.orders VALUES ({self._id()}, {some}, '{text}')"],
            lambda: [f"INSERT IGNORE INTO shop.orders VALUES ({self._id()}, 1, ''), ({self._id()}, 2, '{text}')"],
            lambda: [f"UPDATE shop.orders SET v = v + 1, t = '{text}' WHERE id BETWEEN {some} AND {some + 5}"],
            lambda: [f"INSERT IGNORE INTO noise.copy SELECT id, v FROM shop.orders WHERE id BETWEEN {some} AND {some + 3}"],
            lambda: [f"UPDATE shop.orders o JOIN noise.copy c ON o.id = c.id SET o.v = o.v + 1, c.v = 7 WHERE o.id > {some}"],
            lambda: [f"UPDATE noise.copy c JOIN shop.orders o ON o.id = c.id SET c.v = c.v + 1, o.v = 9 WHERE c.id < {some}"],
            lambda: [f"DELETE o, c FROM shop.orders o JOIN noise.copy c ON o.id = c.id WHERE o.id = {some}"],
            lambda: [f"INSERT INTO noise.log (v, t) VALUES ({some}, '{text}')"],
            lambda: [f"DELETE FROM noise.log WHERE id < {some}"],
            lambda: [f"REPLACE INTO shop.orders VALUES ({some}, 3, 'r')"],
            lambda: [f"INSERT INTO shop.orders VALUES ({some}, 4, 'd') ON DUPLICATE KEY UPDATE v = v + 10"],
            lambda: [f"INSERT IGNORE INTO shop.parent VALUES ({some})", f"INSERT IGNORE INTO shop.child VALUES ({self._id()}, {some})",
                     f"INSERT IGNORE INTO noise.child VALUES ({self._id()}, {some})"],
            lambda: [f"DELETE FROM shop.parent WHERE id <= {some}"],
        ])()

    def _xa(self, cursor, number):
        """Some of nothing but noise; the end of each comes in a later transaction, some in a later file."""
        name = f"'x{number}'"
        cursor.execute(f"XA START {name}")
        cursor.execute(f"INSERT INTO noise.log (v, t) VALUES ({number}, 'xa')")
        if number % 3 == 0:
            cursor.execute(f"INSERT IGNORE INTO shop.orders VALUES ({self._id()}, {number}, 'xa')")
        cursor.execute(f"XA END {name}")
        cursor.execute(f"XA PREPARE {name}")
        self.source.sql("INSERT INTO noise.log (v, t) VALUES (0, 'between')")
        if number % 2 == 0:
            self.source.sql("FLUSH BINARY LOGS")
        cursor.execute(f"XA {'ROLLBACK' if number % 4 == 0 else 'COMMIT'} {name}")
