"""Relay: a binrelay of the lab's own, configured by a file, in front of a source."""

import hashlib
import json
import os
import pathlib
import secrets
import subprocess
import urllib.error
import urllib.request

import pymysql

from . import machine
from .machine import Process, Unavailable, wait_until
from .server import binlog_events

STREAM = "main"


def binary():
    """The program under test: $BINRELAY, else the release build of this checkout."""
    path = pathlib.Path(os.environ.get("BINRELAY") or machine.ROOT / "build/release/binrelay").resolve()
    if not path.exists():
        raise Unavailable(f"no binrelay at {path}")
    return path


def native_hash(password):
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()


def sha2_hash(password):
    done = subprocess.run([binary(), "passwd", "--plugin", "sha2"], input=password + "\n", capture_output=True, text=True,
                          check=True)
    return done.stdout.strip()


class Relay:
    """One relay process; `log`, `stream`, `limits`, `retention` and `source_settings` add to (or override) the
    configuration's keys; None leaves one out."""

    def __init__(self, source, name="relay", stream=None, source_settings=None, log=None, limits=None, environment=None,
                 retention=None):
        self.name = name
        self.source = source
        self.host = "127.0.0.1"
        self.port = machine.free_port()
        self.admin_port = machine.free_port()
        self.dir = machine.scratch(name)
        self.data_dir = self.dir / "data"
        self.log = self.dir / "relay.log"
        self.config = self.dir / "binrelay.toml"
        self.accounts = {}
        self._process = None
        self._second = None
        self.stream_name = (stream or {}).get("name", STREAM)
        self._log_settings = {"level": "info", **(log or {})}
        self._stream_settings = {"name": self.stream_name, "listen": f"127.0.0.1:{self.port}", **(stream or {})}
        self._source_settings = source_settings or {}
        self._limits = limits or {}
        self._environment = {**os.environ, **(environment or {})}
        self._retention_settings = retention or {}
        self.stream_tls = {}  # keys of [stream.tls]
        self.identity = {}  # keys of [stream.identity]
        self.account_settings = {}  # more keys of an account, by user
        self._rules_settings = {}
        self.user, self.password = self.add_account("replica")

    def add_account(self, user, password=None, plugin=None, may_purge=False, **settings):
        """Adds an account to the configuration (before start); (user, password). `settings` are its other keys."""
        self.account_settings[user] = {**({"may_purge": True} if may_purge else {}), **settings}
        password = password or secrets.token_hex(12)
        plugin = plugin or ("sha2" if self.source.flavour == "mysql" else "native")
        self.accounts[user] = (password, sha2_hash(password) if plugin == "sha2" else native_hash(password))
        return user, password

    def asking_source_as(self, user, password):
        """Settings of an account whose questions about table definitions the source answers to this account of its own."""
        secret = self.dir / f"{user}.password"
        secret.touch(mode=0o600)
        secret.write_text(password + "\n")
        return {"metadata_user": user, "metadata_password_file": str(secret)}

    def set_rules(self, rows, default_monitor="none"):
        """Filter rules from a file (before start): rows of (id, database, table, insert, update, delete)."""
        path = self.dir / "rules.csv"
        path.write_text("id,db_name,tb_name,monitor_insert,monitor_update,monitor_delete\n" +
                        "".join(",".join(str(int(v) if isinstance(v, bool) else v) for v in row) + "\n" for row in rows))
        self._rules_settings = {"file": str(path), "default_monitor": default_monitor}

    def add_stream(self, source, name, **options):
        """Adds a second stream to the configuration (before start); it is asked like a relay of its own."""
        self._second = SecondStream(self, source, name, **options)
        return self._second

    # ---- its process

    def start(self):
        self.write_config()
        return self.start_again()

    def start_again(self, wait=True):
        """With the configuration it had: its source may be dead. Without `wait` it may still be starting."""
        self._process = Process([binary(), "serve", "--config", self.config], self.log, env=self._environment)
        if wait:
            self._wait_listening()
        return self

    def stop(self):
        """SIGTERM; a relay that does not end cleanly is an error."""
        if self._process is None:
            return
        process, self._process = self._process, None
        code = process.stop()
        if code != 0:
            raise RuntimeError(f"{self.name} ended with {code}:\n{self.log_tail(60)}")

    def kill(self):
        """kill -9, as a crash would."""
        self._process.kill()
        self._process = None

    def restart(self):
        self.stop()
        return self.start()

    @property
    def process(self):
        return self._process

    @property
    def sanitized(self):
        """Built with a sanitizer, which slows it down and takes memory of its own."""
        return b"__asan_init" in binary().read_bytes() or b"__tsan_init" in binary().read_bytes()

    def alive(self):
        return self._process is not None and self._process.poll() is None

    def log_tail(self, lines=30):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _wait_listening(self, timeout=60):
        def listening():
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended while starting:\n{self.log_tail()}")
            return machine.listens(self.port)
        wait_until(lambda: f"{self.name} listens\n{self.log_tail()}", listening, timeout)

    def write_config(self):
        """Done by start(), too."""
        lines = [f"data_dir = {_toml(str(self.data_dir))}"]
        lines += _table("[log]", self._log_settings)
        lines += _table("[admin]", {"listen": f"127.0.0.1:{self.admin_port}"})
        lines += self._stream_lines()
        if self._second:
            lines += self._second._stream_lines()
        self.config.write_text("\n".join(lines) + "\n")

    def _stream_lines(self):
        source_user, source_password = self.source.add_replication_account(self.name, self.source_password())
        password_file = self.dir / "source.password"
        password_file.touch(mode=0o600)
        password_file.write_text(source_password + "\n")
        source = {"host": "127.0.0.1", "port": self.source.port, "user": source_user,
                  "password_file": str(password_file), "start": "oldest", "heartbeat_ms": 1000, **self._source_settings}
        lines = _table("[[stream]]", self._stream_settings)
        if self._limits:
            lines += _table("[stream.limits]", self._limits)
        if self.identity:
            lines += _table("[stream.identity]", self.identity)
        if self.stream_tls:
            lines += _table("[stream.tls]", self.stream_tls)
        lines += _table("[stream.source]", {name: value for name, value in source.items() if value is not None})
        lines += _table("[stream.retention]", self._retention_settings)
        if self._rules_settings:
            lines += _table("[stream.rules]", self._rules_settings)
        for user, (_, password_hash) in self.accounts.items():
            lines += _table("[[stream.account]]", {"user": user, "password_hash": password_hash, "view": "all",
                                                   **self.account_settings[user]})
        return lines

    def source_password(self):
        """Of its account on the source; None before the first start."""
        path = self.dir / "source.password"
        return path.read_text().strip() if path.exists() else None

    # ---- asking it

    def connect(self, user=None, password=None, **more):
        user = user or self.user
        password = self.accounts[user][0] if password is None else password
        return pymysql.connect(host=self.host, port=self.port, user=user, password=password, charset="utf8mb4",
                               autocommit=True, connect_timeout=10, **more)

    def sql(self, statement):
        """Runs one statement on a connection of its own; its rows."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def binlog_position(self):
        """(file, position) of the end of what it serves."""
        rows = self.sql("SHOW BINARY LOG STATUS")
        return (rows[0][0], int(rows[0][1])) if rows else ("", 0)

    def binlog_names(self):
        return [row[0] for row in self.sql("SHOW BINARY LOGS")]

    def binlog_events(self, name):
        return binlog_events(self.connect, name)

    def caught_up_with(self, source, timeout=120):
        """Waits until it serves everything that `source` had when asked."""
        wanted = source.binlog_position()

        def there():
            if not self.alive():
                raise RuntimeError(f"{self.name} is not running ({self._process and self._process.poll()}):\n{self.log_tail(60)}")
            try:
                return _place(self.binlog_position()) >= _place(wanted)
            except pymysql.err.MySQLError:
                return False
        wait_until(lambda: f"{self.name} has {wanted} of {source.name}\n{self.log_tail()}", there, timeout)

    def command(self, *arguments, check=True):
        """Runs a subcommand on the relay's data directory or its running process; the CompletedProcess."""
        return machine.run([binary(), *arguments], check=check)

    def offline(self, command, *arguments, check=True):
        return self.command(command, "--data-dir", self.data_dir, "--stream", self.stream_name, *arguments, check=check)

    def status(self):
        return json.loads(self.command("status", "--admin", f"127.0.0.1:{self.admin_port}", "--json").stdout)

    def get(self, path):
        """What its HTTP endpoint answers: (status, content type, body)."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=10) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers["Content-Type"], refused.read().decode()

    # ---- its files

    def segment_files(self, generation=1):
        """{source file name: path} of the stored copies."""
        folder = self.data_dir / self.stream_name / "segments" / str(generation)
        return {path.name: path for path in sorted(folder.iterdir())} if folder.exists() else {}


class SecondStream(Relay):
    """Another stream in the process of `first`, which starts and stops it."""

    def __init__(self, first, source, name, **options):
        super().__init__(source, name=f"{first.name}-{name}", stream={"name": name}, **options)
        self._first = first
        self.data_dir, self.admin_port, self.log = first.data_dir, first.admin_port, first.log
        self._lines = None

    def start(self):
        return self

    def stop(self):
        pass

    def alive(self):
        return self._first.alive()

    @property
    def process(self):
        return self._first.process

    def _stream_lines(self):
        """Made once: its source may be dead when the process starts again."""
        self._lines = self._lines or super()._stream_lines()
        return self._lines


def _place(position):
    name, offset = position
    return int(name.rpartition(".")[2] or 0), offset


def _table(header, values):
    return ["", header] + [f"{name} = {_toml(value)}" for name, value in values.items()]


def _toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str) else str(value)
