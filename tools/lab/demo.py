"""The quickstart: a source with a live workload, the relay, two replicas behind it, one of them filtered by rules in a
table of the source, a table every second, a comparison."""

import argparse
import json
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
    "visits": "id BIGINT AUTO_INCREMENT PRIMARY KEY, page VARCHAR(60) NOT NULL, at TIMESTAMP(6) NOT NULL",
}
RULES = "baker_sys_canal.baker_canal_config"
RULE_TABLE = f"""CREATE TABLE {RULES} (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  db_name VARCHAR(255) NOT NULL DEFAULT '', tb_name VARCHAR(255) NOT NULL DEFAULT '',
  monitor_insert BIT(1) NOT NULL DEFAULT b'0', monitor_update BIT(1) NOT NULL DEFAULT b'0',
  monitor_delete BIT(1) NOT NULL DEFAULT b'0',
  create_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  UNIQUE KEY uk_db_name_tb_name (db_name, tb_name)) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4"""
FIRST_RULES = [(1, "baker_sys_canal", "baker_canal_config"), (2, "shop", "orders"), (3, "shop", "ticks"), (4, "shop", "cust*"),
               (5, "lab", "*")]
MONITORED = {"`baker_sys_canal`.`baker_canal_config`", "`shop`.`orders`", "`shop`.`ticks`", "`shop`.`customers`", "`lab`.`fence`"}
NEW_RULE = f"INSERT INTO {RULES} (id, db_name, tb_name, monitor_insert) VALUES (6, 'shop', 'visits', 1)"
NEW_RULE_TABLE = "`shop`.`visits`"
SECONDS_BEFORE_THE_RULE = 10
PRODUCTS = 50
LOST_TO_ANOTHER = (1020, 1205, 1213)  # a transaction that the server rolled back


class Shop:
    """Writers that each run small transactions over the shop's tables until told to stop."""

    def __init__(self, source):
        self._source = source
        self._stopping = threading.Event()
        self._done = [0] * WRITERS
        self._failure = None
        self._threads = [threading.Thread(target=self._write, args=(number,), daemon=True) for number in range(WRITERS)]
        # The rules first: what comes before them nobody monitors.
        source.sql("CREATE DATABASE baker_sys_canal DEFAULT CHARACTER SET utf8mb4")
        source.sql(RULE_TABLE)
        source.sql(f"INSERT INTO {RULES} (id, db_name, tb_name, monitor_insert, monitor_update, monitor_delete) VALUES " + ", ".join(
            f"({number}, '{database}', '{table}', 1, 1, 1)" for number, database, table in FIRST_RULES))
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

    def add_rule(self):
        """From this transaction on `visits` is monitored; it is emptied in it, so that both replicas hold the same then."""
        while True:
            with self._source.connect("shop") as connection, connection.cursor() as cursor:
                try:
                    for statement in ("BEGIN", "DELETE FROM visits", NEW_RULE, "COMMIT"):
                        cursor.execute(statement)
                    return
                except pymysql.err.OperationalError as error:
                    if error.args[0] not in LOST_TO_ANOTHER:
                        raise
                    cursor.execute("ROLLBACK")

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
                        if error.args[0] not in LOST_TO_ANOTHER:
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
        cursor.execute("INSERT INTO visits (page, at) VALUES (%s, NOW(6))", (f"/product/{chance.randrange(1, PRODUCTS)}",))
        cursor.execute("REPLACE INTO ticks VALUES (%s, %s)", (writer, time.time()))
        cursor.execute("COMMIT")


class LiveTable:
    """One row a second: how far source, relay and both replicas are, and how many rows of `visits` each has."""

    def __init__(self, source, relay, replica, filtered, shop):
        self._source, self._relay, self._replica, self._filtered, self._shop = source, relay, replica, filtered, shop
        self._before = (time.monotonic(), 0)

    def header(self):
        print(f"{'source':>22} {'relay':>22} {'replica':>22} {'lag':>8} {'lag filtered':>12} {'transactions/s':>14}   "
              "visits: source/replica/filtered", flush=True)

    def row(self):
        now, transactions = time.monotonic(), self._shop.transactions
        rate = (transactions - self._before[1]) / max(now - self._before[0], 0.001)
        self._before = (now, transactions)
        visits = "/".join(str(_ask(server, "SELECT COUNT(*) FROM shop.visits"))
                          for server in (self._source, self._replica, self._filtered))
        print(f"{_place(self._source.binlog_position()):>22} {_place(self._relay.binlog_position()):>22} "
              f"{_place(self._replica.replica_position()):>22} {self._lag(self._replica):>8} {self._lag(self._filtered):>12} "
              f"{rate:>14.0f}   {visits}", flush=True)
        for server in (self._replica, self._filtered):
            errors = server.replica_errors()
            if errors:
                raise RuntimeError(f"{server.name} stopped: " + "; ".join(errors))

    def _lag(self, replica):
        tick = "SELECT COALESCE(MAX(at), 0) FROM shop.ticks"
        there, here = _ask(replica, tick), _ask(self._source, tick)
        return f"{max(here - there, 0) * 1000:.0f} ms" if there else "-"


def _ask(server, statement):
    try:
        return server.value(statement)
    except pymysql.err.MySQLError:  # the table has not arrived yet
        return 0


def _place(position):
    name, offset = position
    return f"{name or '-'}:{offset or 0}"


def _say_where(source, relay, replica, filtered):
    admin = f"--config {relay.config}"
    print(f"""
  source    127.0.0.1:{source.port}   user {source.user}   password {source.password}   ({source.flavour} {source.version})
  relay     127.0.0.1:{relay.port}   user {relay.user}   password {relay.password}
  replica   127.0.0.1:{replica.port}   user {replica.user}   password {replica.password}   is sent everything
  filtered  127.0.0.1:{filtered.port}   user {filtered.user}   password {filtered.password}   is sent what {RULES} lets out
  The stored binlog files: {relay.data_dir}/main/segments/1/
  Another terminal:        build/release/binrelay status {admin}
                           build/release/binrelay rules show {admin}
  After a while a rule is added at the source: the filtered replica is sent the rows of shop.visits from then on.
  Ctrl-C ends it.
""", flush=True)


def _mark(table, expected, found, is_monitored, rows):
    if is_monitored:
        return "equal" if expected == found else "DIFFERENT"
    return "not monitored, empty" if rows == 0 else f"NOT MONITORED, BUT {rows} ROWS"


def _compare(source, replica, filtered, relay, shop, began, monitored):
    """Prints the summary; whether the replica equals the source, and the filtered one what the rules say."""
    print(f"\n{shop.transactions} transactions in {time.monotonic() - began:.0f} s; "
          f"{sum(path.stat().st_size for path in relay.segment_files().values())} bytes of binlog stored by the relay\n")
    expected, found, shown = (server.checksum_tables() for server in (source, replica, filtered))
    print(f"{'table':44} {'on source':>12} {'on replica':>12} {'':9} {'on filtered':>12}")
    right = True
    for table in sorted(expected.keys() | found.keys() | shown.keys()):
        mark = "equal" if expected.get(table) == found.get(table) else "DIFFERENT"
        filtered_mark = _mark(table, expected.get(table), shown.get(table), table in monitored,
                              _ask(filtered, f"SELECT COUNT(*) FROM {table}"))
        right = right and mark == "equal" and filtered_mark in ("equal", "not monitored, empty")
        print(f"{table:44} {str(expected.get(table)):>12} {str(found.get(table)):>12} {mark:9} "
              f"{str(shown.get(table)):>12} {filtered_mark}")
    print("\nEvery table is equal on source and replica; the filtered one has the monitored tables, and nothing of the others."
          if right else "\nThe tables DIFFER from what they should be.", flush=True)
    return right


def _start_relay(source):
    """With an account that is sent what the rules let out; ready when the rules are known."""
    relay = Relay(source)
    relay.filtered = relay.add_account("filtered", view="rules")
    relay.write_config()  # makes the relay's account at the source
    source.unlogged(f"GRANT SELECT ON baker_sys_canal.* TO `{relay.name}`@'127.0.0.1'")
    relay.start()
    machine.wait_until("the relay knows the filter's rules", lambda: json.loads(
        relay.command("rules", "show", "--config", relay.config, "--json").stdout)["known"], 60)
    return relay


def _watch(options, table, shop, began):
    """A row a second until the time is over or Ctrl-C; the tables that are monitored in the end."""
    add_at = SECONDS_BEFORE_THE_RULE if options.seconds is None else min(SECONDS_BEFORE_THE_RULE, options.seconds / 2)
    monitored = set(MONITORED)
    try:
        while options.seconds is None or time.monotonic() < began + options.seconds:
            time.sleep(1)
            table.row()
            if NEW_RULE_TABLE not in monitored and time.monotonic() >= began + add_at:
                monitored.add(NEW_RULE_TABLE)
                shop.add_rule()
                print(f"-- in one transaction at the source: DELETE FROM shop.visits; {NEW_RULE};", flush=True)
                table.header()
    except KeyboardInterrupt:
        print()
    return monitored


def run(options):
    make = MySql if options.mysql else MariaDb
    extra = {} if options.mysql else {"binlog_format": "ROW"}
    print(f"starting a {make.flavour} source, the relay and two {make.flavour} replicas", flush=True)
    source = make("source", **extra).start()
    shop = Shop(source)
    relay = _start_relay(source)
    replica, filtered = (make(name, **extra).start() for name in ("replica", "filtered"))
    replica.start_replica(relay.host, relay.port, relay.user, relay.password)
    filtered.start_replica(relay.host, relay.port, *relay.filtered)
    _say_where(source, relay, replica, filtered)

    began = time.monotonic()
    table = LiveTable(source, relay, replica, filtered, shop)
    shop.open()
    table.header()
    monitored = _watch(options, table, shop, began)
    shop.close()
    print("the workload has stopped; waiting for the replicas to catch up", flush=True)
    replica.wait_replica_caught_up(source)
    filtered.wait_replica_caught_up(source)
    machine.wait_until("the replica has it all", lambda: replica.has_transactions_of(source), 60)
    relay.caught_up_with(source)
    table.row()
    right = _compare(source, replica, filtered, relay, shop, began, monitored)
    for server in (replica, filtered):
        server.discard()
    relay.stop()
    source.discard()
    return 0 if right else 1


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
