"""Every error that the relay sends beside what its source says to the same; and the table of them is complete."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
import error_rows as table  # noqa: E402
from error_rows import STATEMENTS, Places  # noqa: E402
from said_errors import CROWD, LOGINS, said  # noqa: E402
from workload import Workload  # noqa: E402

from lab import Relay  # noqa: E402
from lab.machine import wait_until  # noqa: E402

PASSWORD = "pass word"


class End:
    """A source or its relay as clients see them: the same accounts with the same rights."""

    def __init__(self, server):
        self.server, self.port, self.is_relay = server, server.port, isinstance(server, Relay)

    def connect(self, user="full", password=None, **more):
        return self.server.connect(user=user, password=PASSWORD if password is None else password, **more)


ALL_RIGHTS = {"mysql": "SELECT, INSERT, EXECUTE, PROCESS, REPLICATION SLAVE, REPLICATION CLIENT, BINLOG_ADMIN",
              "mariadb": "SELECT, INSERT, EXECUTE, PROCESS, REPLICATION SLAVE, BINLOG MONITOR, BINLOG ADMIN, "
                         "REPLICATION MASTER ADMIN, SLAVE MONITOR"}


def _accounts(source, relay):
    """The same ones at both; and what only the relay has."""
    source.unlogged("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT PRIMARY KEY)",
                    "CREATE TABLE shop.secret (id INT PRIMARY KEY)")
    grants = {"full": f"{ALL_RIGHTS[source.flavour]} ON *.*", "none": None, "tls": None, "bounded": "SELECT ON shop.orders",
              "metadata": "SELECT ON *.*", "old": None}
    for user, grant in grants.items():
        old_way = " IDENTIFIED VIA unix_socket" if user == "old" and source.flavour == "mariadb" else f" IDENTIFIED BY '{PASSWORD}'"
        source.unlogged(f"CREATE USER {user}@'127.0.0.1' {old_way} {'REQUIRE SSL' if user == 'tls' else ''}")
        if grant:
            source.unlogged(f"GRANT {grant} TO {user}@'127.0.0.1'")
    asking = relay.asking_source_as("metadata", PASSWORD)
    settings = {"full": {"may_purge": True}, "none": {"privileges": []}, "tls": {"require_tls": True},
                "bounded": {**asking, "allow": ["shop.orders"], "privileges": []}, "metadata": {**asking, "privileges": []},
                "old": {"plugin": "sha2"}, "filtered": {"view": "rules"},
                "mistaken": {**relay.asking_source_as("mistaken", "wrong"), "privileges": []}}
    for user, more in settings.items():
        relay.add_account(user, PASSWORD, host="127.0.0.1", **more)


def _differing(source, relay, rows):
    """What is not as a row says: (error, how, relay, source)."""
    found = []
    for row in rows:
        here = said(relay, row.ask)
        there = said(source, row.ask) if row.how != "own" else None
        if not _stands(row, here, there):
            found.append((row.error, row.how, here, there if row.how != "own" else row.text))
    return found


def _stands(row, here, there):
    if here is None:
        return False
    if row.how == "own":
        return here[:2] == row.text[:2] and _is_text(row.text[2], here[2])
    if there is None:
        return False
    if row.how == "code":
        return here[:2] == there[:2] and _is_text(row.text, here[2])
    return here == there


def _is_text(expected, found):
    """A text as it is, or a pattern."""
    return found == expected if isinstance(expected, str) else expected.fullmatch(found) is not None


class Stand:
    """A source and its relay, and how many rows have been held against them."""

    def __init__(self, stage, source):
        stage.needs_relay()
        self.stage, self.source, self.count, self.differing = stage, source, 0, []
        self.relay = Relay(source, limits={"connections_per_account": CROWD, "logins_per_host": LOGINS, "metadata_rows": 100,
                                           "metadata_connections": 1}, retention={"purge_hold_seconds": 0})
        _accounts(source, self.relay)
        stage.enter(self.relay)

    def hold(self, rows):
        self.relay.caught_up_with(self.source)
        self._hold(End(self.source), End(self.relay), rows)

    def _hold(self, source, relay, rows):
        self.differing += _differing(source, relay, rows)
        self.count += len(rows)

    def purge(self):
        """Both to their last file."""
        self.source.sql("FLUSH BINARY LOGS")
        self.relay.caught_up_with(self.source)
        last = self.source.binlog_names()[-1]
        for end in (End(self.source), End(self.relay)):
            wait_until("purged", lambda end=end: self._purged(end, last), 30)

    @staticmethod
    def _purged(end, last):
        with end.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"PURGE BINARY LOGS TO '{last}'")
            cursor.execute("SHOW BINARY LOGS")
            return [row[0] for row in cursor.fetchall()] == [last]

    def hold_last(self):
        """What is left when the source loses its history, its binary logs and its life."""
        at = Places(self.source)
        self._switch()
        self.hold(table.after_switch(at))
        self.stage.say("another history")
        empty = self._empty_relay()
        off = {"log-bin": None, "skip-log-bin": True}
        self.source.kill()  # the quick way
        self.source.start(**off)
        self._hold(End(self.source), End(empty), table.without_log(self.source.flavour))
        self.source.kill()
        self._hold(None, End(self.relay), table.without_source(self.stage.full))
        assert not self.differing, "(error, how, relay, source): " + "\n".join(map(str, self.differing))
        self.stage.say(f"{self.count} errors are as the table says")

    def _switch(self):
        def state():
            return self.relay.status()["streams"][0]["source"]["state"]
        self.source.sql("RESET BINARY LOGS AND GTIDS" if self.source.flavour == "mysql" else "RESET MASTER")
        self.relay.restart()
        wait_until(lambda: f"the source is refused: {state()}", lambda: state() == "refused", 30)
        self.relay.command("switch-source", "--config", self.relay.config)
        self.relay.restart()
        wait_until(lambda: f"the relay follows: {state()}", lambda: state() == "streaming", 30)
        self.source.sql("CREATE DATABASE other")

    def _empty_relay(self):
        """One that the source tells who it is, and not what it has."""
        self.source.unlogged(f"CREATE USER weak@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
                             "GRANT REPLICATION CLIENT ON *.* TO weak@'127.0.0.1'")
        secret = self.relay.dir / "weak.password"
        secret.touch(mode=0o600)
        secret.write_text(PASSWORD + "\n")
        empty = Relay(self.source, name="empty", source_settings={"user": "weak", "password_file": str(secret)})
        empty.add_account("full", PASSWORD)
        return self.stage.enter(empty)


LIMITS = {"max_user_connections": CROWD, "max_prepared_stmt_count": STATEMENTS, "max_connections": 200}


def _errors_of_statements(stand):
    stand.source.sql("SET GLOBAL read_only = ON")
    stand.source.sql(f"SET GLOBAL max_allowed_packet = {4 << 20}")
    stand.hold(table.statements())
    stand.hold(table.statements_of_mysql() if stand.source.flavour == "mysql" else table.statements_of_mariadb())
    stand.source.sql("SET GLOBAL read_only = OFF")
    stand.stage.say("statements")
    stand.hold(table.definitions())
    stand.hold(table.logins())
    stand.stage.say("logins")


def mysql_errors(stage):
    source = stage.mysql("source", gtid=False, **LIMITS)
    Workload(source).small(5)
    stand = Stand(stage, source)
    stand.hold(table.gtids_off())
    source.sql("SET GLOBAL enforce_gtid_consistency = ON")
    for mode in ("OFF_PERMISSIVE", "ON_PERMISSIVE", "ON"):
        source.sql(f"SET GLOBAL gtid_mode = {mode}")
    Workload(source).small(5, "more")
    stand.relay.restart()
    stage.say("with GTIDs")
    _errors_of_statements(stand)
    at = Places(source)
    stand.hold(table.dumps(at) + table.dumps_of_mysql(at))
    stage.say("dumps")
    stand.purge()
    stand.hold(table.after_purge_of_mysql(at))
    stand.hold_last()


def _mariadb_errors(stage, source):
    source.sql("CREATE DATABASE hole")
    for number in (10, 20):
        with source.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"SET SESSION gtid_domain_id = 7, gtid_seq_no = {number}")
            cursor.execute(f"CREATE TABLE hole.t{number} (id INT PRIMARY KEY)")
    Workload(source).small(5)
    stand = Stand(stage, source)
    _errors_of_statements(stand)
    at = Places(source)
    stand.hold(table.dumps(at) + table.dumps_of_mariadb(at))
    stage.say("dumps")
    stand.purge()
    stand.hold(table.after_purge_of_mariadb(at))
    stand.hold_last()


def mariadb_1011_errors(stage):
    _mariadb_errors(stage, stage.mariadb("source", series="10.11", binlog_format="ROW", **LIMITS))


def mariadb_118_errors(stage):
    _mariadb_errors(stage, stage.mariadb("source", series="11.8", binlog_format="MIXED", **LIMITS))


# ---- the table is complete

# Errors that take a disk or a moment that no quick test of servers can make: the unit tests that speak of them.
BY_UNIT_TEST = {
    "purge_failed": "relay/commands/purge_answer_test.cc",
    "metadata_question_interrupted": "relay/passthrough/pass_through_test.cc",
    "next_file_gone": "relay/dump/dump_errors_test.cc",
    "log_unreadable": "relay/dump/dump_errors_test.cc",
}
MADE_ELSEWHERE = {"relay/upstream/mysql_source.cc": "the client library's errors, which are told in the relay's words"}
ROOT = pathlib.Path(__file__).resolve().parents[2]
DECLARED = re.compile(r"^SqlError (\w+)\(([^;]*)\);", re.MULTILINE)
MADE = re.compile(r'\{\s*(?:k[A-Z]\w*,\s*"[0-9A-Z]{5}"|\d{4},\s*"(?:[0-9A-Z]{5})?")')


def _declared():
    """{function: parameters} of every error that there is."""
    found = {}
    for header in [*ROOT.glob("protocol/**/*_errors.h"), *ROOT.glob("relay/**/*_errors.h")]:
        found.update(DECLARED.findall(header.read_text()))
    return found


def _accesses():
    header = (ROOT / "relay/commands/statement_errors.h").read_text()
    return re.findall(r"\w+", re.search(r"enum class Access : \S+ \{([^}]*)\};", header)[1])


def every_error_has_a_row(stage):
    """Each that there is, for each family of sources that it has words for; and none is made but in a file of errors."""
    at = Places()
    rows = {family: [*table.rows_of(family, at), *table.definitions(), *table.without_source(True)]
            for family in ("mysql", "mariadb")}
    shown = {family: {row.error.partition(":")[0] for row in of_family} for family, of_family in rows.items()}
    declared = _declared()
    assert len(declared) > 50, declared
    for error, parameters in declared.items():
        if error in BY_UNIT_TEST:
            test = (ROOT / "tests" / BY_UNIT_TEST[error]).read_text()
            assert error in test, f"{BY_UNIT_TEST[error]} does not speak of {error}"
            continue
        both = "Flavour" in parameters or "SourceIdentity" in parameters
        missing = [family for family in shown if error not in shown[family]]
        assert not missing or not both and len(missing) == 1, f"{error} has no row for {missing}"
    unknown = {error for family in shown.values() for error in family} - set(declared)
    assert not unknown, f"rows of errors that are none: {unknown}"
    for family, of_family in rows.items():
        missing = {f"access_denied:{access}" for access in _accesses()} - {row.error for row in of_family}
        assert not missing, f"no row for {missing} of {family}"
        for row in of_family:
            assert row.how == "same" or row.why, f"{row.error} does not say why it differs"
    for source in [*ROOT.glob("protocol/**/*.cc"), *ROOT.glob("relay/**/*.cc"), *ROOT.glob("protocol/**/*.h"), *ROOT.glob("relay/**/*.h")]:
        name = str(source.relative_to(ROOT))
        made = MADE.search(source.read_text())
        assert not made or name.endswith("_errors.cc") or name in MADE_ELSEWHERE, f"{name} makes an error of its own: {made[0]}"
    stage.say(f"{len(declared)} errors, {sum(map(len, rows.values()))} rows")


scenario.main(every_error_has_a_row, mysql_errors, mariadb_1011_errors, mariadb_118_errors)
