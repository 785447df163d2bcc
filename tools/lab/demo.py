"""The quickstart: a source with a live workload, the relay, a replica behind it, a table every second, a comparison."""

import argparse
import pathlib
import random
import sys
import threading
import time

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lab import MariaDb, MySql, Relay, Unavailable, machine  # noqa: E402

WRITERS = 2
PAUSE_SECONDS = 0.004  # of a writer between transactions: a steady stream, not a benchmark
TABLES = {
    "customers": "id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, since TIMESTAMP(6) NOT NULL",
    "products": "id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, stock INT NOT NULL",
    "orders": "id INT AUTO_INCREMENT PRIMARY KEY, customer INT NOT NULL, placed TIMESTAMP(6) NOT NULL, paid DECIMAL(10,2)",
    "order_lines": "id INT AUTO_INCREMENT PRIMARY KEY, `order` INT NOT NULL, product INT NOT NULL, quantity INT NOT NULL",
    "ticks": "writer INT PRIMARY KEY, at DOUBLE NOT NULL",
}
PRODUCTS = 50


class Shop:
    """Writers that each run small transactions over the shop's tables until told to stop."""

    def __init__(self, source):
        self._source = source
        self._stopping = threading.Event()
        self._done = [0] * WRITERS
        self._failure = None
        self._threads = [threading.Thread(target=self._write, args=(number,), daemon=True) for number in range(WRITERS)]
        source.sql("CREATE DATABASE shop CHARACTER SET utf8mb4")
        for table, columns in TABLES.items():
            source.sql(f"CREATE TABLE shop.{table} ({columns})")
        source.sql("INSERT INTO shop.products (name, stock) VALUES " + ", ".join(
            f"('product {number}', 1000)" for number in range(PRODUCTS)))

    def open(self):
        for thread in self._threads:
            thread.start()

    def close(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    @property
    def transactions(self):
        if self._failure:
            raise RuntimeError(f"the workload failed: {self._failure}")
        return sum(self._done)

    def _write(self, writer):
        chance = random.Random(writer)
        try:
            with self._source.connect("shop") as connection, connection.cursor() as cursor:
                while not self._stopping.wait(PAUSE_SECONDS):
                    try:
                        self._transaction(cursor, writer, chance)
                        self._done[writer] += 1
                    except pymysql.err.OperationalError as error:
                        if error.args[0] not in (1020, 1205, 1213):  # lost to the other writer: the server rolled back
                            raise
                        cursor.execute("ROLLBACK")
        except Exception as error:  # noqa: BLE001 shown by the main thread
            self._failure = error

    @staticmethod
    def _transaction(cursor, writer, chance):
        cursor.execute("BEGIN")
        if chance.random() < 0.2:
            cursor.execute("INSERT INTO customers (name, since) VALUES (%s, NOW(6))", (f"customer {chance.random():.9f}",))
        cursor.execute("INSERT INTO orders (customer, placed) VALUES (%s, NOW(6))", (chance.randrange(1, 100),))
        order = cursor.lastrowid
        total = 0
        for product in sorted(chance.sample(range(1, PRODUCTS + 1), chance.randrange(1, 4))):
            quantity = chance.randrange(1, 5)
            total += quantity * product
            cursor.execute("INSERT INTO order_lines (`order`, product, quantity) VALUES (%s, %s, %s)",
                           (order, product, quantity))
            cursor.execute("UPDATE products SET stock = stock - %s WHERE id = %s", (quantity, product))
        cursor.execute("UPDATE orders SET paid = %s WHERE id = %s", (total, order))
        if chance.random() < 0.05:
            cursor.execute("DELETE FROM order_lines WHERE `order` = %s", (order - 50,))
        cursor.execute("REPLACE INTO ticks VALUES (%s, %s)", (writer, time.time()))
        cursor.execute("COMMIT")


class LiveTable:
    """One row a second: how far source, relay and replica are."""

    def __init__(self, source, relay, replica, shop):
        self._source, self._relay, self._replica, self._shop = source, relay, replica, shop
        self._before = (time.monotonic(), 0)

    def header(self):
        print(f"{'source':>24} {'relay':>24} {'replica':>24} {'lag':>10} {'transactions/s':>15}", flush=True)

    def row(self):
        now, transactions = time.monotonic(), self._shop.transactions
        rate = (transactions - self._before[1]) / max(now - self._before[0], 0.001)
        self._before = (now, transactions)
        at_replica, at_source = self._last_tick(self._replica), self._last_tick(self._source)
        lag = f"{max(at_source - at_replica, 0) * 1000:.0f} ms" if at_replica else "-"
        print(f"{_place(self._source.binlog_position()):>24} {_place(self._relay.binlog_position()):>24} "
              f"{_place(self._replica.replica_position()):>24} {lag:>10} {rate:>15.0f}", flush=True)
        errors = self._replica.replica_errors()
        if errors:
            raise RuntimeError("the replica stopped: " + "; ".join(errors))

    @staticmethod
    def _last_tick(server):
        try:
            return server.value("SELECT COALESCE(MAX(at), 0) FROM shop.ticks")
        except pymysql.err.MySQLError:  # the table has not arrived yet
            return 0


def _place(position):
    name, offset = position
    return f"{name or '-'}:{offset or 0}"


def _say_where(source, relay, replica):
    print(f"""
  source   127.0.0.1:{source.port}   user {source.user}   password {source.password}   ({source.flavour} {source.version})
  relay    127.0.0.1:{relay.port}   user {relay.user}   password {relay.password}
  replica  127.0.0.1:{replica.port}   user {replica.user}   password {replica.password}
  The stored binlog files: {relay.data_dir}/main/segments/1/
  Another terminal:        build/release/binrelay status --admin 127.0.0.1:{relay.admin_port}
  Ctrl-C ends it.
""", flush=True)


def _compare(source, replica, relay, shop, began):
    """Prints the summary; whether source and replica are equal."""
    print(f"\n{shop.transactions} transactions in {time.monotonic() - began:.0f} s; "
          f"{sum(path.stat().st_size for path in relay.segment_files().values())} bytes of binlog stored by the relay\n")
    expected, found = source.checksum_tables(), replica.checksum_tables()
    print(f"{'table':28} {'checksum on source':>20} {'on replica':>20}")
    for table in sorted(expected.keys() | found.keys()):
        mark = "equal" if expected.get(table) == found.get(table) else "DIFFERENT"
        print(f"{table:28} {str(expected.get(table)):>20} {str(found.get(table)):>20}  {mark}")
    equal = expected == found
    print("\nEvery table is equal on source and replica." if equal else "\nSource and replica DIFFER.", flush=True)
    return equal


def run(options):
    make = MySql if options.mysql else MariaDb
    extra = {} if options.mysql else {"binlog_format": "ROW"}
    print(f"starting a {make.flavour} source, the relay and a {make.flavour} replica", flush=True)
    source = make("source", **extra).start()
    shop = Shop(source)
    relay = Relay(source).start()
    replica = make("replica", **extra).start()
    replica.start_replica(relay.host, relay.port, relay.user, relay.password)
    _say_where(source, relay, replica)

    began = time.monotonic()
    table = LiveTable(source, relay, replica, shop)
    shop.open()
    table.header()
    try:
        while options.seconds is None or time.monotonic() < began + options.seconds:
            time.sleep(1)
            table.row()
    except KeyboardInterrupt:
        print()
    shop.close()
    print("the workload has stopped; waiting for the replica to catch up", flush=True)
    replica.wait_replica_caught_up(source)
    relay.caught_up_with(source)
    table.row()
    equal = _compare(source, replica, relay, shop, began)
    replica.discard()
    relay.stop()
    source.discard()
    return 0 if equal else 1


def main():
    arguments = argparse.ArgumentParser(prog="tools/quickstart")
    arguments.add_argument("--mysql", action="store_true")
    arguments.add_argument("--seconds", type=int)
    options = arguments.parse_args()
    if options.mysql:
        machine.become_root()  # MySQL lives in a root directory of its own
    try:
        sys.exit(run(options))
    except KeyboardInterrupt:
        sys.exit("quickstart: interrupted before the end")
    except (Unavailable, RuntimeError, TimeoutError) as error:
        sys.exit(f"quickstart: {error}")


main()
