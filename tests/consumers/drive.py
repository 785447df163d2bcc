#!/usr/bin/python3
"""Drivers and mysqld_exporter log in to a relay with their defaults and run what a source would be asked, without an error.

    python3 tests/consumers/drive.py [DRIVER...]

Each driver runs the same statements against the source first: the relay's result sets have the source's columns, and rows where
the source has rows. Prints a line for each that ends in "answered", "FAILED" or "SKIPPED (reason)". Exit code 77: nothing could run.
"""

import contextlib
import os
import pathlib
import subprocess
import sys
import traceback
import urllib.request

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[2] / "tools"), str(pathlib.Path(__file__).resolve().parent)]

import toolchains  # noqa: E402
from lab import MariaDb, MySql, Relay, Unavailable, machine  # noqa: E402

SKIPPED = 77
USER = "driver"
SECONDS = 120
# One a line, for every driver; what only one family understands follows.
STATEMENTS = """SELECT 1
SELECT VERSION(), @@version, @@version_comment
SELECT @@server_id, @@global.server_id, CONNECTION_ID(), DATABASE(), USER(), CURRENT_USER()
SELECT UNIX_TIMESTAMP(), NOW()
SELECT @@max_allowed_packet, @@sql_mode, @@time_zone, @@character_set_client, @@collation_connection
SET NAMES utf8mb4
SET autocommit = 1
SET @seen = 'something'
SELECT @seen
SHOW VARIABLES LIKE 'server_id'
SHOW GLOBAL VARIABLES LIKE 'binlog_checksum'
SHOW SESSION VARIABLES WHERE Variable_name IN ('binlog_format', 'binlog_row_image', 'log_bin')
SHOW GLOBAL STATUS LIKE 'Uptime'
SHOW BINARY LOGS
SHOW PROCESSLIST
SHOW FULL PROCESSLIST
SHOW GRANTS
SHOW DATABASES"""
OF_FAMILY = {"mysql": """SELECT @@server_uuid, @@gtid_mode, @@global.gtid_executed, @@global.gtid_purged
SELECT GTID_SUBSET(@@global.gtid_purged, @@global.gtid_executed)
SHOW BINARY LOG STATUS
SHOW REPLICAS
SHOW REPLICA STATUS""", "mariadb": """SELECT @@global.gtid_binlog_pos, @@global.gtid_domain_id
SHOW MASTER STATUS
SHOW SLAVE HOSTS
SHOW SLAVE STATUS
SHOW ALL SLAVES STATUS"""}
REPLICAS = ("SHOW REPLICAS", "SHOW SLAVE HOSTS")  # the source has one, the relay
EXPORTER_PORT_WAIT = 30


EXPORTER_COLLECTORS = {f"collect.{name}" for name in (  # those that it has on by default
    "global_status", "global_variables", "info_schema.innodb_cmp", "info_schema.innodb_cmpmem",
    "info_schema.query_response_time", "slave_status")}


def _jdbc(scheme):
    def make(host, port, user, password, statements):
        return [f"jdbc:{scheme}://{host}:{port}/", user, password, statements]
    return make


def _dsn(host, port, user, password, statements):
    return [f"{user}:{password}@tcp({host}:{port})/", statements]


def _words(*words):
    return [str(word) for word in words]


# name: (families, command, arguments)
DRIVERS = {
    "Connector/J 9.7.0": (("mysql",), lambda: toolchains.java_program("jdbc", "Main"), _jdbc("mysql")),
    "MariaDB Connector/J 3.5.11": (("mariadb",), lambda: toolchains.java_program("jdbc", "Main"), _jdbc("mariadb")),
    "mysql2 3.24.6": (("mysql", "mariadb"), lambda: toolchains.node_program("mysql2", "mysql2", 18), _words),
    "go-sql-driver 1.10.1": (("mysql", "mariadb"), lambda: toolchains.go_program("go-sql-driver", (1, 24)), _dsn),
    "PyMySQL 1.2.4": (("mysql", "mariadb"), lambda: toolchains.python_program("pymysql"), _words),
}
EXPORTER = "mysqld_exporter 0.16.0"
EXPORTER_PACKAGE = "github.com/prometheus/mysqld_exporter"


class Ends:
    """A source with a relay in front of it, and an account that is the same on both."""

    def __init__(self, family):
        self.family = family
        self.source = (MySql if family == "mysql" else MariaDb)(f"source-{family}").start()
        _, self.password = self.source.add_replication_account(USER)
        rights = "PROCESS" if family == "mysql" else "PROCESS, SLAVE MONITOR"
        self.source.unlogged(f"GRANT {rights} ON *.* TO {USER}@'127.0.0.1'")
        self.source.sql("CREATE DATABASE shop")
        self.source.sql("CREATE TABLE shop.t (id INT PRIMARY KEY)")
        self.relay = Relay(self.source)
        self.relay.add_account(USER, self.password, host="127.0.0.1",
                               privileges=["REPLICATION SLAVE", "REPLICATION CLIENT", "PROCESS"])
        self.relay.start()
        self.relay.caught_up_with(self.source)
        self.statements = self.relay.dir / "statements.txt"
        self.statements.write_text(STATEMENTS + "\n" + OF_FAMILY[family] + "\n")

    def close(self):
        self.relay.stop()
        self.source.discard()

    def run(self, command, arguments, port):
        done = subprocess.run([*map(str, command), *map(str, arguments("127.0.0.1", port, USER, self.password, self.statements))],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, (done.stdout + done.stderr)[-1500:]
        return [line.split("\t") for line in done.stdout.splitlines()]

    def drive(self, command, arguments):
        """How many result sets and answers came."""
        direct, relayed = (self.run(command, arguments, port) for port in (self.source.port, self.relay.port))
        differing = [(of_source, of_relay) for of_source, of_relay in zip(direct, relayed) if of_source != of_relay and of_source[1] not in REPLICAS]
        assert len(direct) == len(relayed) and not differing, f"source, relay: {differing}"
        return len(relayed)

    def scrape(self, command, port):
        """What mysqld_exporter tells of the server at `port`: its samples."""
        listens = machine.free_port()
        folder = machine.scratch("exporter")
        process = machine.Process([*command, f"--mysqld.address=127.0.0.1:{port}", f"--mysqld.username={USER}",
                                   f"--config.my-cnf={folder}/none", f"--web.listen-address=127.0.0.1:{listens}"], folder / "log",
                                  env={**os.environ, "MYSQLD_EXPORTER_PASSWORD": self.password})
        try:
            machine.wait_until("the exporter listens", lambda: machine.listens(listens), EXPORTER_PORT_WAIT)
            with urllib.request.urlopen(f"http://127.0.0.1:{listens}/metrics", timeout=30) as answer:
                text = answer.read().decode()
        finally:
            process.stop()
        log = (folder / "log").read_text(errors="replace")
        assert "level=ERROR" not in log and "level=error" not in log, log[-1500:]
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))

    def export(self, command):
        samples = self.scrape(command, self.relay.port)
        collectors = {name: value for name, value in samples.items() if name.startswith("mysql_exporter_collector_success")}
        expected = {f'mysql_exporter_collector_success{{collector="{name}"}}': "1" for name in EXPORTER_COLLECTORS}
        assert samples["mysql_up"] == "1" and collectors.items() >= expected.items() and set(collectors.values()) == {"1"}, collectors
        assert float(samples["mysql_global_variables_server_id"]) == self.source.value("SELECT @@server_id")
        return len(samples)


def _wanted(chosen):
    """[(name, families, act(ends)) or (name, families, reason)]"""
    for name, (families, command, arguments) in DRIVERS.items():
        if chosen and not any(word in name for word in chosen):
            continue
        try:
            made = command()
            yield name, families, lambda ends, made=made, arguments=arguments: f"{ends.drive(made, arguments)} result sets"
        except Unavailable as reason:
            yield name, families, str(reason)
    if not chosen or any(word in EXPORTER for word in chosen):
        try:
            made = toolchains.go_program("exporter", (1, 24), EXPORTER_PACKAGE)
            yield EXPORTER, ("mysql", "mariadb"), lambda ends: f"{ends.export(made)} samples"
        except Unavailable as reason:
            yield EXPORTER, ("mysql", "mariadb"), str(reason)


def main():
    wanted = list(_wanted(sys.argv[1:]))
    failed, ran = False, False
    for family in ("mysql", "mariadb"):
        mine = [(name, act) for name, families, act in wanted if family in families]
        for name, reason in mine:
            if isinstance(reason, str):
                print(f"DRIVER: {name} · {family}: SKIPPED ({reason})", flush=True)
        mine = [(name, act) for name, act in mine if not isinstance(act, str)]
        if not mine:
            continue
        try:
            with contextlib.closing(Ends(family)) as ends:
                for name, act in mine:
                    ran = True
                    try:
                        print(f"DRIVER: {name} · {ends.source.version}: {act(ends)}, answered", flush=True)
                    except Exception:
                        failed = True
                        traceback.print_exc()
                        print(f"DRIVER: {name} · {ends.source.version}: FAILED", flush=True)
        except Unavailable as reason:
            print(f"SKIPPED: {reason}", flush=True)
    machine.clean_up()
    if not ran:
        print("SKIPPED: no driver could be had here", flush=True)
    sys.exit(1 if failed else 0 if ran else SKIPPED)


os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
main()
