"""The command line: one command against one's own source, and what the subcommands say and return."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from compare import same_files, same_tables  # noqa: E402
from workload import Workload  # noqa: E402

from lab import Relay, machine  # noqa: E402
from lab.relay import binary, native_hash  # noqa: E402

OK, PROBLEM, USAGE = 0, 1, 2


def _run(*arguments, said="", environment=None):
    """(exit code, standard output, standard error) of one command without a terminal."""
    done = subprocess.run([binary(), *map(str, arguments)], input=said, capture_output=True, text=True, timeout=120,
                          start_new_session=True, env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout, done.stderr


def _json(*arguments):
    code, out, errors = _run(*arguments, "--json")
    assert code == OK, (arguments, code, out, errors)
    return json.loads(out)


def command_line_mistakes(stage):
    """Exit codes, and errors that name what is wrong."""
    stage.needs_relay()
    folder = machine.scratch("mistakes")
    bad = folder / "bad.toml"
    bad.write_text('[[stream]]\nlistne = "127.0.0.1:1"\n[stream.source]\nport = 0\n')
    for arguments, code, part in (
            ([], USAGE, "subcommand"),
            (["serve"], USAGE, "--config or --source"),
            (["serve", "--config", bad, "--source", "u@h"], USAGE, "excludes"),
            (["serve", "--source", "u:secret@h"], USAGE, "takes no password"),
            (["serve", "--source", "h"], USAGE, "USER@HOST"),
            (["serve", "--source", "u@h"], PROBLEM, "BINRELAY_SOURCE_PASSWORD"),
            (["serve", "--config", bad], PROBLEM, "bad.toml:2: unknown key 'listne' in [stream]; did you mean listen?"),
            (["check-config", "--config", bad], PROBLEM, "bad.toml:4: stream.source.port: 0 is not a number from 1 to 65535"),
            (["check-config", "--config", folder / "absent.toml"], PROBLEM, "cannot read"),
            (["status", "--admin", "127.0.0.1:1"], PROBLEM, "127.0.0.1:1"),
            (["ls"], USAGE, "--data-dir or --config"),
            (["ls", "--data-dir", folder], PROBLEM, "no stream in"),
            (["verify", "--data-dir", folder, "--stream", "../x"], PROBLEM, "has no stream '../x'"),
            (["events", "--data-dir", folder, "--from", "4"], USAGE, "needs --file"),
            (["events", "--data-dir", folder, "--to", "today"], USAGE, "'today' is not a time"),
            (["passwd", "--plugin", "old"], USAGE, "not in")):
        found, out, errors = _run(*arguments)
        assert found == code and part in errors and not out, (arguments, found, out, errors)
    for command in ("serve", "check-config", "passwd", "status", "ls", "events", "verify", "reindex", "purge"):
        code, out, _ = _run(command, "--help")
        assert code == OK and command in out and "Exit codes" in out, command
    code, out, _ = _run("--version")
    assert code == OK and re.fullmatch(r"binrelay \d+\.\d+\.\d+\n", out), out


def command_line_passwords(stage):
    """Hashes as the servers make them; two of the same password differ in their salt."""
    stage.needs_relay()
    assert _run("passwd", "--plugin", "native", said="secret\n")[1] == native_hash("secret") + "\n"
    first, second = (_run("passwd", said="secret\n")[1].strip() for _ in range(2))
    assert first != second and all(re.fullmatch(r"\$A\$005\$[\w-]{20}[\w./]{43}", text) for text in (first, second)), first
    assert _run("passwd", said="")[0] == PROBLEM
    assert _run("passwd", said="\n")[0] == PROBLEM
    source = stage.mysql("source")
    source.sql(f"CREATE USER hashed@'127.0.0.1' IDENTIFIED WITH caching_sha2_password AS '{first}'")
    source.connect(user="hashed", password="secret", ssl={"check_hostname": False}).close()


class FromCommandLine(Relay):
    """A relay without a configuration file."""

    def __init__(self, source, **options):
        super().__init__(source, **options)
        self.source_user, self.source_password = source.add_replication_account("relay_" + self.name)

    def start(self):
        self._process = machine.Process(
            [binary(), "serve", "--source", f"{self.source_user}@127.0.0.1:{self.source.port}", "--listen",
             f"127.0.0.1:{self.port}", "--data-dir", self.data_dir, "--admin", f"127.0.0.1:{self.admin_port}"],
            self.log, env={**os.environ, "BINRELAY_SOURCE_PASSWORD": self.source_password})
        self._wait_listening()
        return self

    def shown_account(self):
        found = re.findall(r"user (\w+), password (\S+)", self.log.read_text())
        return found[-1] if found else None

    def shown_statements(self):
        return re.findall(r"^  ((?:CHANGE|START) .*);$", self.log.read_text(), re.MULTILINE)


def _follows(replica, source, seconds=60):
    replica.wait_replica_caught_up(source, seconds)
    same_tables(source, replica)


def _from_command_line(stage, source, replica):
    relay = stage.enter(FromCommandLine(source))
    relay.user, password = relay.shown_account()
    relay.accounts = {relay.user: (password, "")}
    for statement in relay.shown_statements():
        replica.sql(statement)
    Workload(source).small(100)
    relay.caught_up_with(source)
    _follows(replica, source)
    stage.say("a replica follows by the statements shown")

    account = relay.data_dir / "account"
    assert account.stat().st_mode & 0o777 == 0o600, oct(account.stat().st_mode)
    stored = b"".join(path.read_bytes() for path in relay.data_dir.rglob("*") if path.is_file() and path.name != "LOCK")
    assert password.encode() not in stored and relay.source_password.encode() not in stored
    command_line = pathlib.Path(f"/proc/{relay.process.pid}/cmdline").read_bytes()
    assert relay.source_password.encode() not in command_line

    relay.restart()
    replica.stop_replica()
    replica.resume_replica()  # the retry period is a minute
    assert relay.shown_account() == (relay.user, password), "an account was made again"
    Workload(source).small(20, table="after_restart")
    relay.caught_up_with(source)
    _follows(replica, source)

    # Empty files, as a crash at the first start may have left them before they were renamed into their places.
    relay.stop()
    for path in (account, *relay.data_dir.rglob("*.pem")):
        path.write_bytes(b"")
    relay.start()
    assert relay.shown_account() != (relay.user, password), "no account was made"
    user, password = relay.shown_account()
    relay.accounts[user] = (password, "")
    assert relay.binlog_names() == source.binlog_names()


def mariadb_from_command_line(stage):
    stage.needs_relay()
    _from_command_line(stage, stage.mariadb("source"), stage.mariadb("replica"))


def mysql_from_command_line(stage):
    stage.needs_relay()
    _from_command_line(stage, stage.mysql("source"), stage.mysql("replica"))


def _compare_listing(relay, source):
    files = _json("ls", "--data-dir", relay.data_dir)["files"]
    copies = relay.segment_files()
    assert [listed["file"] for listed in files] == list(copies) == source.binlog_names(), files
    for listed in files:
        assert listed["size"] == copies[listed["file"]].stat().st_size, listed
        events = source.binlog_events(listed["file"])
        assert listed["events"] == len(events), (listed, len(events))
    gtids = sum(listed["transactions"] for listed in files)
    begun = sum(event[1] in ("Gtid", "Anonymous_Gtid", "Gtid_tagged") for name in copies for event in source.binlog_events(name))
    assert gtids == begun, (gtids, begun)
    return files


def _compare_events(relay, source, name):
    code, out, errors = _run("events", "--data-dir", relay.data_dir, "--file", name, "--json")
    assert code == OK, errors
    found = [json.loads(line) for line in out.splitlines()]
    expected = source.binlog_events(name)
    assert [(event["offset"], event["type"]) for event in found] == [(event[0], event[1]) for event in expected]
    middle = found[len(found) // 2]
    part = [json.loads(line) for line in _run("events", "--data-dir", relay.data_dir, "--file", name, "--json", "--from",
                                              middle["offset"], "--limit", 3)[1].splitlines()]
    assert part == found[len(found) // 2:][:3], part
    before = _run("events", "--data-dir", relay.data_dir, "--file", name, "--json", "--to", middle["offset"])[1]
    assert len(before.splitlines()) == len(found) // 2
    none = _run("events", "--data-dir", relay.data_dir, "--from", "2100-01-01T00:00:00Z")
    assert none[0] == OK and "0 events shown; searched" in none[2], none
    assert _run("events", "--data-dir", relay.data_dir, "--file", "absent.000001")[0] == PROBLEM


def _offline_views(stage, source):
    """ls, events, verify, reindex and status say what the source says."""
    relay = stage.relay(source)
    work = Workload(source)
    work.small(100)
    work.flush()
    work.small(50, table="more")
    source.fence()
    relay.caught_up_with(source)

    status = relay.status()["streams"][0]
    assert status["source"]["state"] == "streaming" and status["log"]["visible"]["file"] == source.binlog_names()[-1], status
    screen = relay.command("status", "--admin", f"127.0.0.1:{relay.admin_port}").stdout
    assert all(word in str(screen) for word in ("source", "streaming", "visible", "lag", "disk", "consumers")), screen
    _json("verify", "--data-dir", relay.data_dir)
    busy = _run("reindex", "--data-dir", relay.data_dir)
    assert busy[0] == PROBLEM and "in use by another" in busy[2], busy
    stage.say("a running relay's directory can be read")

    relay.stop()
    files = _compare_listing(relay, source)
    _compare_events(relay, source, files[0]["file"])
    assert _json("verify", "--data-dir", relay.data_dir)["ok"]
    assert _json("reindex", "--data-dir", relay.data_dir)["ok"]
    assert _json("verify", "--data-dir", relay.data_dir)["index_checked"]
    def view(listing):
        return [{key: value for key, value in listed.items() if key != "from_index"} for listed in listing]

    assert view(_json("ls", "--config", relay.config)["files"]) == view(files)
    same_files(source, relay)
    _purge(relay, files)
    _no_short_answers(relay, list(relay.segment_files().values())[-1])


def _purge(relay, files):
    """The oldest file of a stopped relay goes; what it contained is remembered, and the relay goes on."""
    unknown = _run("purge", "--data-dir", relay.data_dir, "--to", "absent.000001")
    assert unknown[0] == PROBLEM and files[0]["file"] in unknown[2], unknown
    assert _json("purge", "--data-dir", relay.data_dir, "--to", files[1]["file"])["files"] == [files[0]["file"]]
    left = _json("ls", "--data-dir", relay.data_dir)["files"]
    assert [listed["file"] for listed in left] == [listed["file"] for listed in files[1:]], left
    relay.start_again()
    relay.caught_up_with(relay.source)
    busy = _run("purge", "--data-dir", relay.data_dir, "--to", files[-1]["file"])
    assert busy[0] == PROBLEM and "in use by another" in busy[2], busy
    relay.stop()


def _no_short_answers(relay, active):
    """A flipped bit in the middle of the file that was being written: what shows the file names the place instead."""
    content = bytearray(active.read_bytes())
    content[len(content) // 2] ^= 1
    active.write_bytes(content)
    shutil.rmtree(next(relay.data_dir.rglob("index")))
    for command in ("ls", "events", "reindex"):
        code, _, errors = _run(command, "--data-dir", relay.data_dir)
        assert code == PROBLEM and f"{active.name}, offset " in errors, (command, code, errors)


def mysql_offline_views(stage):
    stage.needs_relay()
    _offline_views(stage, stage.mysql("source"))


def mariadb_offline_views(stage):
    stage.needs_relay()
    _offline_views(stage, stage.mariadb("source"))


def command_line_signals(stage):
    """Each signal that ends a daemon ends this one cleanly, with a replica attached."""
    stage.needs_relay()
    source, replica = stage.mariadb("source"), stage.mariadb("replica")
    relay = stage.relay(source, log={"format": "json"})
    replica.start_replica(relay.host, relay.port, relay.user, relay.password)
    for number in (signal.SIGTERM, signal.SIGINT):
        Workload(source).small(20, table=f"before_{number.name.lower()}")
        relay.caught_up_with(source)
        _follows(replica, source)
        relay.process.signal(number)
        assert relay.process.wait(30) == 0, relay.log_tail()
        relay.start()
    for line in relay.log.read_text().splitlines():
        assert {"time", "level", "message"} <= json.loads(line).keys(), line


scenario.main(command_line_mistakes, command_line_passwords, mariadb_from_command_line, mysql_from_command_line, mariadb_offline_views,
              mysql_offline_views, command_line_signals)
