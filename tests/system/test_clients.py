"""The command line clients, drivers and monitors that people point at a source: each starts, asks what it asks, and hears no error."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from workload import Workload  # noqa: E402

from lab import machine  # noqa: E402

# What mysqld_exporter sends on its one connection; `{}` is the source's word.
EXPORTER = ("SET SESSION lock_wait_timeout=2", "SELECT @@version;", "SELECT @@version_comment;", "SHOW GLOBAL STATUS",
            "SHOW GLOBAL VARIABLES", "SHOW BINARY LOGS")
EXPORTER_MYSQL = ("SHOW REPLICA STATUS", "SHOW REPLICAS", "SHOW BINARY LOG STATUS")
EXPORTER_MARIADB = ("SET log_slow_filter='tmp_table_on_disk,filesort_on_disk'", "SHOW ALL SLAVES STATUS", "SHOW SLAVE STATUS",
                    "SHOW SLAVE HOSTS", "SHOW MASTER STATUS")
ADMIN = (("ping",), ("status",), ("processlist",), ("--verbose", "processlist"), ("variables",), ("extended-status",), ("version",))


def _program(source, name):
    return f"/usr/bin/{name}" if source.root else name


def _run(source, relay, program, *arguments, words="", tls=()):
    login = [f"--host={relay.host}", "--protocol=tcp", f"--port={relay.port}", f"--user={relay.user}",
             f"--password={relay.password}", *tls]
    typed = relay.dir / "typed.sql"
    typed.write_text(words)
    with typed.open() as keyboard:
        done = machine.run([_program(source, program), "--no-defaults", *login, *arguments], chroot=source.root, check=False,
                           stdin=keyboard)
    said, complained = done.stdout.decode(), done.stderr.decode()
    complaints = [line for line in complained.splitlines() if line and "Using a password on the command line" not in line]
    assert done.returncode == 0 and not complaints, f"{program} {arguments}: {done.returncode}, {complaints}"
    return said


def _command_line(stage, source, shell, admin, tls, options=()):
    stage.needs_relay()
    relay = stage.relay(source)
    Workload(source).small(20)
    relay.caught_up_with(source)
    for way in tls:
        # Without -A: databases and tables are asked for to complete names. \s, USE, several statements in one text.
        said = _run(source, relay, shell, "--table", *options, words="\\s\nuse information_schema\nselect database(), user();\n\\s\n"
                    "show binary logs;\ndelimiter //\nselect 1; select @@version; select 2//\n", tls=way)
        for expected in ("information_schema", source.binlog_names()[0], source.value("SELECT @@version"),
                         f"{relay.user}@127.0.0.1", "Uptime"):
            assert expected in said, f"{shell}: no {expected!r} in {said}"
        for words in ADMIN:
            said = _run(source, relay, admin, *words, tls=way)
            assert said, f"{admin} {words} says nothing"
    stage.say(f"{shell} and {admin} in {len(tls)} ways")
    statements = EXPORTER + (EXPORTER_MYSQL if source.flavour == "mysql" else EXPORTER_MARIADB)
    with relay.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            cursor.fetchall()
    stage.say(f"{len(statements)} statements of the exporter")


def mysql_command_line(stage):
    _command_line(stage, stage.mysql("source"), "mysql", "mysqladmin",
                  (("--ssl-mode=REQUIRED",), ("--ssl-mode=DISABLED", "--get-server-public-key")), options=("--commands",))


def mariadb_command_line(stage):
    _command_line(stage, stage.mariadb("source", series="10.11"), "mariadb", "mariadb-admin", ((), ("--ssl",)))


scenario.main(mysql_command_line, mariadb_command_line)
