"""Server: what a throw-away MySQL and a throw-away MariaDB have in common."""

import itertools
import pathlib
import secrets
import signal

import pymysql

from . import machine
from .machine import Process, wait_until

_server_ids = itertools.count(101)
_SYSTEM_SCHEMAS = ("mysql", "information_schema", "performance_schema", "sys")
_CONNECTION_LOST = (2006, 2013)
_NOT_THERE_YET = (1049, 1146)  # unknown database, no such table


def binlog_events(connect, name):
    """SHOW BINLOG EVENTS without its last column, which holds bytes of any kind."""
    connection = connect(use_unicode=False)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW BINLOG EVENTS IN '{name}'")
            return [(int(row[1]), row[2].decode(), int(row[3]), int(row[4])) for row in cursor.fetchall()]
    finally:
        connection.close()


def _stands_still(thread):
    """Of a folder in /proc/PID/task."""
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] == "T"
    except FileNotFoundError:
        return True  # it has ended


class ReplicationError(Exception):
    """A replica stopped; the text is the replica's own."""


class Server:
    """One server: data directory, process, an administrator's connection.

    `options` become --name=value on its command line (underscores and dashes both work; True is ON, None leaves it out).
    """

    flavour = ""
    common_options = {
        "bind-address": "127.0.0.1",
        "log-bin": "binlog",
        "relay-log": "relay",
        "max-allowed-packet": "1G",
        "skip-name-resolve": True,
        # The machine does not crash here, only processes do: their writes survive without fsync.
        "sync-binlog": 0,
        "innodb-flush-log-at-trx-commit": 2,
    }

    def __init__(self, name="server", **options):
        self.name = name
        self.root = self._provide()
        self.version = self._version()
        self.server_id = next(_server_ids)
        self.port = machine.free_port()
        self.options = options
        self.dir = machine.scratch(f"{self.flavour}-{name}", self.root and self.root / "var/tmp")
        self.datadir = self.dir / "data"
        self.log = self.dir / "server.log"
        self.user, self.password = "lab", secrets.token_hex(12)
        self._needs_accounts = False
        self._process = None
        self._admin = None

    # ---- its process

    def start(self, **options):
        """Starts it, with further options that stay for later starts, and waits until it answers."""
        self.options.update(options)
        if not self.datadir.exists():
            self._copy_template()
        self._process = Process(self._command(), self.log, chroot=self.root, drop_root=True)
        self.wait_ready()
        self._needs_accounts = False
        return self

    def stop(self):
        self._forget_admin()
        if self._process:
            self._process.stop()
            self._process = None

    def kill(self):
        """kill -9, as a crash would."""
        self._forget_admin()
        self._process.kill()
        self._process = None

    def freeze(self):
        """Returns when every thread of it stands still, until thaw()."""
        self._process.signal(signal.SIGSTOP)
        threads = pathlib.Path(f"/proc/{self._process.pid}/task")
        machine.wait_until(f"{self.name} stands still",
                           lambda: all(map(_stands_still, threads.iterdir())), 30, 0.001)

    def thaw(self):
        self._process.signal(signal.SIGCONT)

    def discard(self):
        """Ends it the quick way: nobody needs its data any more."""
        if self._process:
            self.kill()

    def restart(self, **options):
        self.stop()
        return self.start(**options)

    @property
    def process(self):
        return self._process

    def wait_ready(self, timeout=120):
        def answers():
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended while starting:\n{self.log_tail()}")
            try:
                return self.sql("SELECT 1")
            except pymysql.err.OperationalError:
                return None
        wait_until(lambda: f"{self.name} answers\n{self.log_tail()}", answers, timeout)

    def log_tail(self, lines=30):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _command(self):
        options = {**self.common_options, **self.own_options, **self.options,
                   "port": self.port, "server-id": self.server_id,
                   "datadir": self.inside(self.datadir), "tmpdir": self.inside(self.dir),
                   "secure-file-priv": self.inside(self.dir),
                   "socket": self.inside(self.dir / "socket"), "pid-file": self.inside(self.dir / "pid")}
        if self._needs_accounts:
            options["init-file"] = self.inside(self._accounts_file())
        words = [self.program, "--no-defaults"]
        for option, value in options.items():
            option = option.replace("_", "-")
            if value is not None:
                words.append(f"--{option}={value}" if value is not True else f"--{option}=ON")
        return words

    def _accounts_file(self):
        """The first start gives every account a password before anybody can connect."""
        path = self.dir / "accounts.sql"
        path.write_text("\n".join([
            "SET SESSION sql_log_bin=0;",
            *self.tidy_accounts,
            f"ALTER USER root@localhost IDENTIFIED BY '{self.password}';",
            f"CREATE USER {self.user}@'127.0.0.1' IDENTIFIED BY '{self.password}';",
            f"GRANT ALL ON *.* TO {self.user}@'127.0.0.1' WITH GRANT OPTION;",
        ]) + "\n")
        path.chmod(0o600)
        machine.give_to_servers(path)
        return path

    def _copy_template(self):
        """A fresh data directory; initialised once for each version, then copied."""
        template = machine.cache_dir() / "datadirs" / f"{self.flavour}-{self.version}"
        with machine.cache_lock("datadirs"):
            if not template.exists():
                template.parent.mkdir(parents=True, exist_ok=True)
                made = self.dir / "template"
                made.mkdir()
                machine.give_to_servers(made)
                self._initialise(made)
                partial = template.with_suffix(".partial")
                machine.run(["rm", "-rf", partial])
                machine.run(["cp", "-r", "--sparse=always", made, partial])
                machine.run(["rm", "-rf", made])
                partial.rename(template)
        self._copy_data(template)
        self._needs_accounts = True

    def take_data_of(self, other):
        """Before its first start: a copy of a stopped server's data."""
        self._copy_data(other.datadir)
        (self.datadir / "auto.cnf").unlink(missing_ok=True)  # a server_uuid of its own
        self.password = other.password

    def _copy_data(self, origin):
        machine.run(["cp", "-r", "--sparse=always", origin, self.datadir])
        account = machine.server_account()
        machine.run(["chown", "-R", f"{account.pw_uid}:{account.pw_gid}", self.datadir])

    def inside(self, path):
        """A host path as the server and its client programs see it."""
        return pathlib.Path("/") / pathlib.Path(path).relative_to(self.root) if self.root else pathlib.Path(path)

    def run_client(self, program, *arguments, check=True):
        """Runs one of the client programs that came with the server."""
        return machine.run([program, *arguments], chroot=self.root, check=check)

    def scratch(self, prefix="files"):
        """A folder that client programs can write to."""
        return machine.scratch(prefix, self.root and self.root / "var/tmp")

    # ---- statements

    def connect(self, database=None, user=None, password=None, **more):
        return pymysql.connect(host="127.0.0.1", port=self.port, user=user or self.user,
                               password=self.password if password is None else password, database=database,
                               charset="utf8mb4", autocommit=True, **more)

    def sql(self, statement, *values, database=None):
        """Runs one statement as the administrator; its rows."""
        if self._admin is None or not self._admin.open:
            self._admin = self.connect()
        if database:
            self._admin.select_db(database)
        with self._admin.cursor() as cursor:
            try:
                cursor.execute(statement, values or None)
            except pymysql.err.OperationalError as error:
                if error.args[0] in _CONNECTION_LOST:
                    self._forget_admin()
                raise
            return list(cursor.fetchall())

    def value(self, statement, *values):
        """The first column of the first row."""
        return self.sql(statement, *values)[0][0]

    def row(self, statement):
        """The first row by column name, or {}."""
        if self._admin is None or not self._admin.open:
            self._admin = self.connect()
        with self._admin.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(statement)
            return cursor.fetchone() or {}

    def _forget_admin(self):
        if self._admin is not None and self._admin.open:
            self._admin.close()
        self._admin = None

    def unlogged(self, *statements):
        """Runs statements that no binary log shall hold."""
        self.sql("SET SESSION sql_log_bin=0")
        try:
            for statement in statements:
                self.sql(statement)
        finally:
            self.sql("SET SESSION sql_log_bin=1")

    def add_replication_account(self, user="repl", password=None):
        """An account for a relay or a replica; (user, password)."""
        password = password or secrets.token_hex(12)
        self.unlogged(f"CREATE USER IF NOT EXISTS `{user}`@'127.0.0.1' IDENTIFIED BY '{password}'",
                      *(f"GRANT {right} ON *.* TO `{user}`@'127.0.0.1'" for right in self.replication_rights))
        return user, password

    # ---- its binary log

    def binlog_names(self):
        return [row[0] for row in self.sql("SHOW BINARY LOGS")]

    def binlog_files(self):
        """Its binary log files as paths on this machine."""
        return [self.datadir / name for name in self.binlog_names()]

    def binlog_position(self):
        """(file, position) of the end of its binary log."""
        row = self.sql(self.binlog_status)[0]
        return row[0], int(row[1])

    def binlog_events(self, name):
        """(position, type, server id, end) of every event of a file; the ends are what the server says, so may be 0."""
        return binlog_events(self.connect, name)

    # ---- what it holds

    def tables(self):
        return [f"`{schema}`.`{table}`" for schema, table in self.sql(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type <> 'VIEW' AND "
            "table_type <> 'SEQUENCE' AND table_schema NOT IN %s ORDER BY 1, 2", _SYSTEM_SCHEMAS)]

    def checksum_tables(self):
        """{table: checksum} of every table of the user's."""
        tables = self.tables()
        if not tables:
            return {}
        rows = self.sql("CHECKSUM TABLE " + ", ".join(tables))
        return {table: row[1] for table, row in zip(tables, rows)}

    def fence(self):
        """Writes one last transaction; a replica that shows its number has everything before it."""
        self.sql("CREATE DATABASE IF NOT EXISTS lab")
        self.sql("CREATE TABLE IF NOT EXISTS lab.fence (id INT PRIMARY KEY, number BIGINT NOT NULL)")
        self.sql("INSERT INTO lab.fence VALUES (1, 1) ON DUPLICATE KEY UPDATE number = number + 1")
        return self.value("SELECT number FROM lab.fence")

    def _shows_fence(self, number):
        try:
            rows = self.sql("SELECT number FROM lab.fence")
        except pymysql.err.MySQLError as error:
            if error.args[0] not in _NOT_THERE_YET:
                raise
            return False
        return bool(rows) and rows[0][0] >= number

    # ---- being a replica

    def wait_replica_caught_up(self, source, timeout=300):
        """Waits until everything `source` has committed so far is here; ReplicationError when it never will be."""
        number = source.fence()

        def caught_up():
            errors = self.replica_errors()
            if errors:
                raise ReplicationError(f"{self.name}: " + "; ".join(errors))
            return self._shows_fence(number) and self.has_transactions_of(source)
        wait_until(lambda: f"{self.name} caught up with {source.name}\n{self.replica_status()}", caught_up, timeout, 0.1)
