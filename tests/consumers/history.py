"""History: what the source writes for the clients, in parts that each end with a marker that a consumer waits for."""

import time

MIB = 1 << 20
SECONDS_FOR_A_CHECKPOINT = 20


class History:
    def __init__(self, source):
        self.source = source
        self.is_mysql = source.flavour == "mysql"
        self._connection = source.connect()

    def begin(self):
        """One transaction that the consumers which need a GTID to start at have behind them."""
        self._run("CREATE DATABASE lab CHARACTER SET utf8mb4")
        self._run("CREATE TABLE lab.marker (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL)")
        if not self.is_mysql:
            self.next_file()  # Canal by GTID cannot read the empty list that MariaDB's first file begins with
        place = self.source.binlog_position()
        return {"file": place[0], "position": place[1], "gtid": self.source.gtid_executed()}

    def mark(self, name):
        self._run("INSERT INTO lab.marker (name) VALUES (%s)", marker(name))

    def types(self):
        json = "JSON" if self.is_mysql else "LONGTEXT"  # what MariaDB means by JSON; Maxwell takes the word at its word
        self._run("CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4")
        self._run("CREATE TABLE shop.types (id INT PRIMARY KEY AUTO_INCREMENT, ti TINYINT, tu TINYINT UNSIGNED, si SMALLINT, "
                  "mi MEDIUMINT, i INT UNSIGNED, bi BIGINT, bu BIGINT UNSIGNED, f FLOAT, d DOUBLE, n DECIMAL(20,6), b BIT(12), "
                  "y YEAR, da DATE, t TIME, t3 TIME(3), dt DATETIME, dt6 DATETIME(6), ts TIMESTAMP NULL, ts2 TIMESTAMP(2) NULL, "
                  "c CHAR(20), v VARCHAR(300), l VARCHAR(40) CHARACTER SET latin1, bn BINARY(4), vb VARBINARY(40), tb TINYBLOB, "
                  f"tx TEXT, e ENUM('red','green','blue'), s SET('x','y','z'), j {json})")
        columns = ("ti, tu, si, mi, i, bi, bu, f, d, n, b, y, da, t, t3, dt, dt6, ts, ts2, c, v, l, bn, vb, tb, tx, e, s, j")
        marks = ", ".join(["%s"] * 29)
        for k in range(8):
            self._run(f"INSERT INTO shop.types ({columns}) VALUES ({marks})", k - 4, 250 + k % 6, -30000 + k, -(1 << 22) + k,
                      (1 << 32) - 1 - k, -(1 << 62) + k, (1 << 64) - 1 - k, k / 4, k / 7, f"-{k}.{k}25", k * 500, 1990 + k,
                      f"2026-0{k + 1}-28", f"-{k}:01:02", f"{k}:01:02.345", "2026-11-22 10:11:12", "2026-11-22 10:11:12.131415",
                      "2026-11-22 01:02:03", "2026-11-22 01:02:03.45", f"c{k}", f"图形 ünïcödé 🙂 {k}", f"é{k}", bytes([0, 255, k, 32]),
                      bytes(range(k)), b"\0" * k, "text " * k * 30, ("red", "green", "blue")[k % 3], ("", "x", "x,z")[k % 3],
                      '{"name": "%d", "list": [1, 2.5, null, true], "深": {"k": "v"}}' % k)
        self._run("INSERT INTO shop.types () VALUES ()")
        self._run("UPDATE shop.types SET v = NULL, d = d * 2, e = 'blue' WHERE id MOD 3 = 0")
        self._run("UPDATE shop.types SET j = JSON_SET(j, '$.name', 'changed') WHERE id = 2")
        self._run("DELETE FROM shop.types WHERE id MOD 4 = 0")

    def statements(self):
        self._run("CREATE TABLE shop.orders (id INT PRIMARY KEY, customer VARCHAR(40), total DECIMAL(10,2))")
        self._run("CREATE TABLE shop.items (order_id INT, line INT, text VARCHAR(60), PRIMARY KEY (order_id, line))")
        self._run("BEGIN")
        for k in range(5):
            self._run("INSERT INTO shop.orders VALUES (%s, %s, %s)", k, f"customer {k}", k * 1.5)
            self._run("INSERT INTO shop.items VALUES (%s, 1, 'one'), (%s, 2, 'two'), (%s, 3, NULL)", k, k, k)
        self._run("UPDATE shop.orders SET total = total + 1")
        self._run("COMMIT")
        self._run("UPDATE shop.orders JOIN shop.items ON id = order_id SET total = total + 1, text = CONCAT(text, '!') WHERE line < 3")
        self._run("DELETE shop.orders, shop.items FROM shop.orders JOIN shop.items ON id = order_id WHERE id = 4")
        self._run("BEGIN")
        self._run("INSERT INTO shop.orders VALUES (100, 'kept', 1)")
        self._run("SAVEPOINT here")
        self._run("INSERT INTO shop.orders VALUES (101, 'undone', 1)")
        self._run("ROLLBACK TO SAVEPOINT here")
        self._run("COMMIT")

    def definitions(self):
        """Statements that leave the tables which were written to so far as they are: clients ask for definitions late."""
        self._run("CREATE TABLE shop.shapes (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40))")
        self._run("ALTER TABLE shop.shapes ADD COLUMN colour VARCHAR(20) NOT NULL DEFAULT 'red', ADD INDEX (name)")
        self._run("INSERT INTO shop.shapes (name) VALUES ('Kreis'), ('三角形')")
        self._run("CREATE TABLE shop.passing (id INT)")
        self._run("RENAME TABLE shop.passing TO shop.passed")
        self._run("DROP TABLE shop.passed")
        self._run("TRUNCATE TABLE shop.shapes")
        self._run("CREATE VIEW shop.reds AS SELECT * FROM shop.shapes WHERE colour = 'red'")

    def big_row(self, size=MIB):
        self._run("CREATE TABLE IF NOT EXISTS shop.big (id INT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)")
        self._run("INSERT INTO shop.big (text) VALUES (REPEAT('0123456789abcdef', %s))", size // 16)

    def next_file(self):
        """MariaDB names the oldest file that it may need after a crash in each; Canal takes that for the file it reads, until
        the next such event names the new one."""
        self._run("FLUSH BINARY LOGS")
        name, deadline = self.source.binlog_position()[0], time.monotonic() + SECONDS_FOR_A_CHECKPOINT
        while not self.is_mysql and not self._checkpoint_names(name) and time.monotonic() < deadline:
            time.sleep(0.05)

    def _checkpoint_names(self, name):
        with self._connection.cursor() as cursor:
            cursor.execute(f"SHOW BINLOG EVENTS IN '{name}' LIMIT 10")
            return any(row[2] == "Binlog_checkpoint" and row[5] == name for row in cursor.fetchall())

    def compressed(self):
        """MySQL packs a transaction into one event; MariaDB's packed events are a setting of the whole server, left alone."""
        if self.is_mysql:
            self._run("SET SESSION binlog_transaction_compression = ON")
            self._run("BEGIN")
            self._run("INSERT INTO shop.orders VALUES (200, 'packed', 2), (201, 'packed too', 2)")
            self._run("UPDATE shop.orders SET total = 3 WHERE id = 200")
            self._run("COMMIT")
            self._run("SET SESSION binlog_transaction_compression = OFF")

    def first(self):
        self.types()
        self.statements()
        self.next_file()
        self.big_row()
        self.mark("one")

    def second(self):
        self.definitions()
        self.compressed()
        self.next_file()
        self._run("UPDATE shop.orders SET customer = 'everybody'")
        self.mark("two")

    def live(self, name):
        for k in range(3):
            self._run("INSERT INTO shop.shapes (name, colour) VALUES (%s, %s)", f"{name} {k}", "blue")
        self._run("UPDATE shop.shapes SET colour = %s", name[:20])
        self.mark(name)

    def _run(self, statement, *values):
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)


def marker(name):
    return f"marker-{name}-end"
