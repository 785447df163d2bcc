"""What an account may see and do: privileges, hosts, TLS, and changes of them while the relay runs."""

import pathlib
import re
import struct
import sys

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
import error_rows  # noqa: E402
from certificates import Authority  # noqa: E402
from dump_client import DumpClient  # noqa: E402
from said_errors import said  # noqa: E402
from workload import Workload  # noqa: E402

from lab import Relay, machine  # noqa: E402

COM_BINLOG_DUMP, COM_REGISTER_SLAVE, COM_BINLOG_DUMP_GTID = 0x12, 0x15, 0x1E
COM_STATISTICS, COM_PROCESS_INFO, COM_STMT_PREPARE = 0x09, 0x0A, 0x16
ER_SPECIFIC_ACCESS_DENIED = 1227
# As the source's flavour names them; the empty one is an account that may do nothing.
GRANTS = ("", "REPLICATION SLAVE", "REPLICATION CLIENT", "PROCESS", "REPLICATION SLAVE, REPLICATION CLIENT, PROCESS")
ASKED_OF_MYSQL = ("SHOW BINARY LOGS", "SHOW BINARY LOG STATUS", "SHOW BINLOG EVENTS LIMIT 1", "SHOW REPLICAS",
                  "SHOW REPLICA STATUS", "PURGE BINARY LOGS TO 'none'", "KILL 987654", "SELECT CURRENT_USER()")
ASKED_OF_MARIADB = ("SHOW BINARY LOGS", "SHOW MASTER STATUS", "SHOW BINLOG EVENTS LIMIT 1", "SHOW SLAVE STATUS",
                    "SHOW ALL SLAVES STATUS", "PURGE BINARY LOGS TO 'none'", "KILL 987654", "SELECT CURRENT_USER()")


def _answer(end, login, statement):
    """The error, or only that there was none."""
    with end.connect(**login) as connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement)
            return "answered" if "CURRENT_USER" not in statement else cursor.fetchall()
        except pymysql.err.MySQLError as error:
            return error.args


def _command(end, login, code, body):
    connection = end.connect(**login)
    try:
        connection._execute_command(code, body)
        return connection._read_packet().get_all_data()[:1]
    except pymysql.err.MySQLError as error:
        return error.args
    finally:
        connection.close()


def _register(server_id):
    return struct.pack("<I", server_id) + b"\0\0\0" + struct.pack("<HII", 3307, 0, 0)


def _grants(end, login):
    with end.connect(**login) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GRANTS")
        # MariaDB shows the password's hash, too.
        rows = [re.sub(r" IDENTIFIED BY PASSWORD '.*'", "", row[0]) for row in cursor.fetchall()]
        return cursor.description[0][0], rows


def _same_refusals(stage, source):
    """The same account with the same rights hears the same at the source and at the relay."""
    stage.needs_relay()
    admin = "BINLOG_ADMIN" if source.flavour == "mysql" else "BINLOG ADMIN"
    relay = Relay(source)
    accounts = {f"held{number}": grant for number, grant in enumerate((*GRANTS, admin))}
    for user, grant in accounts.items():
        source.sql(f"CREATE USER {user}@'127.0.0.%' IDENTIFIED BY 'pass word'")
        if grant:
            source.sql(f"GRANT {grant} ON *.* TO {user}@'127.0.0.%'")
        relay.add_account(user, "pass word", host="127.0.0.%", privileges=[name for name in grant.split(", ") if name])
    stage.enter(relay)
    relay.caught_up_with(source)
    compared = 0
    for user, grant in accounts.items():
        login = {"user": user, "password": "pass word"}
        for statement in ASKED_OF_MYSQL if source.flavour == "mysql" else ASKED_OF_MARIADB:
            if source.flavour == "mariadb" and "SLAVE" in statement and "REPLICATION CLIENT" in grant:
                continue  # SLAVE MONITOR is a privilege of its own there; at the relay it comes with this one
            expected, found = _answer(source, login, statement), _answer(relay, login, statement)
            assert found == expected, f"{statement} with '{grant}': {found} instead of {expected}"
            compared += 1
        for code, body in ((COM_REGISTER_SLAVE, _register(77)), (COM_BINLOG_DUMP, struct.pack("<IHI", 4, 1, 78) + b"none")):
            expected, found = _command(source, login, code, body), _command(relay, login, code, body)
            assert found == expected, f"command {code:#x} with '{grant}': {found} instead of {expected}"
            compared += 1
        expected, found = _grants(source, login), _grants(relay, login)
        if source.flavour == "mysql" and grant == admin:
            expected = (expected[0], sorted(expected[1]))
            found = (found[0], sorted(found[1]))
        assert found == expected, f"SHOW GRANTS: {found} instead of {expected}"
        compared += 1
    stage.say(f"{compared} answers to {len(accounts)} accounts equal")
    return relay


def mysql_privileges(stage):
    _same_refusals(stage, stage.mysql("source"))


def mariadb_1011_privileges(stage):
    _same_refusals(stage, stage.mariadb("source", series="10.11"))


def mariadb_118_privileges(stage):
    _same_refusals(stage, stage.mariadb("source", series="11.8"))


def _secrets_of(source, relay):
    """What somebody without rights must not learn: names and GTIDs, of the log and of whoever is connected."""
    names = set(source.binlog_names()) | {"secret_schema", "secret_table", "insider"}
    if source.flavour == "mysql":
        names |= set(re.findall(r"[0-9a-f-]{36}:[0-9:-]+", source.value("SELECT @@global.gtid_executed")))
    else:
        names.add(source.value("SELECT @@global.gtid_binlog_pos"))
    return {name.encode() for name in names}


class _Listener:
    """A connection of the account without rights: keeps all that the relay sends to it."""

    def __init__(self, relay, login):
        self.heard = []
        self._connect = lambda: relay.connect(**login)

    def ask(self, statement):
        with self._connect() as connection, connection.cursor() as cursor:
            try:
                cursor.execute(statement)
                self.heard.append((statement, repr(cursor.description).encode() + repr(cursor.fetchall()).encode()))
            except pymysql.err.MySQLError as error:
                self.heard.append((statement, repr(error.args).encode()))

    def command(self, code, body, before=()):
        connection = self._connect()
        try:
            with connection.cursor() as cursor:
                for statement in before:
                    cursor.execute(statement)
            connection._execute_command(code, body)
            self.heard.append((hex(code), connection._read_packet().get_all_data()))
        except pymysql.err.MySQLError as error:
            self.heard.append((hex(code), repr(error.args).encode()))
        finally:
            connection.close()


class _Outsider:
    """Asks whatever brings an error about, as the account without rights."""

    is_relay = True

    def __init__(self, relay):
        self.server, self.port = relay, relay.port

    def connect(self, user=None, **more):
        return self.server.connect(user="outsider", **more)


def _nothing_leaks(stage, source):
    stage.needs_relay()
    source.sql("CREATE DATABASE secret_schema")
    source.sql("CREATE TABLE secret_schema.secret_table (id INT PRIMARY KEY)")
    source.sql("INSERT INTO secret_schema.secret_table VALUES (1)")
    source.sql("FLUSH BINARY LOGS")
    relay = Relay(source)
    relay.add_account("outsider", privileges=[])
    relay.add_account("insider")
    stage.enter(relay)
    relay.caught_up_with(source)
    first = source.binlog_names()[0]
    listener = _Listener(relay, {"user": "outsider"})
    with relay.connect(user="insider") as held, held.cursor() as cursor:  # somebody to spy on
        cursor.execute("SET @secret_table = 1")
        held._execute_command(COM_REGISTER_SLAVE, _register(79))
        held._read_ok_packet()
        connection_id = held.thread_id()
        # Names of the asker's own making tell nothing: what is there and what is not must sound the same.
        pairs = [(f"SHOW BINLOG EVENTS IN '{name}'", f"PURGE BINARY LOGS TO '{name}'",
                  f"SELECT binlog_gtid_pos('{name}', 4)") for name in (first, "no.000042")]
        answers = [[_answer(relay, {"user": "outsider"}, statement) for statement in statements] for statements in pairs]
        if source.flavour == "mysql":
            answers = [group[:2] for group in answers]  # there is no such function, which is no secret
        assert answers[0] == answers[1], answers
        statements = (
                "SHOW BINARY LOGS", "SHOW MASTER LOGS", "SHOW MASTER STATUS", "SHOW BINARY LOG STATUS", "SHOW BINLOG STATUS",
                "SHOW BINLOG EVENTS", "SHOW REPLICAS", "SHOW SLAVE HOSTS", "SHOW REPLICA STATUS", "SHOW SLAVE STATUS",
                "SHOW ALL SLAVES STATUS", "SHOW PROCESSLIST", "SHOW FULL PROCESSLIST", "SHOW VARIABLES", "SHOW GLOBAL VARIABLES",
                "SHOW STATUS", "SHOW GLOBAL STATUS", "SHOW GRANTS", "SHOW WARNINGS", "SHOW DATABASES", "SHOW TABLES",
                "SELECT @@gtid_executed", "SELECT @@global.gtid_executed", "SELECT @@gtid_purged", "SELECT @@gtid_binlog_pos",
                "SELECT @@gtid_binlog_state", "SELECT @@gtid_current_pos", "SELECT @@gtid_slave_pos",
                "SELECT @@log_bin_basename", "SELECT @@log_bin_index", "SELECT GTID_SUBTRACT(@@gtid_executed, '')",
                "SELECT GTID_SUBSET('00000000-0000-0000-0000-000000000001:1', @@gtid_executed)",
                "SELECT GTID_SUBTRACT('', @@global.gtid_purged)", "SET @x = @@gtid_executed", "SELECT @x",
                "SET sql_mode = @@gtid_binlog_pos", "SELECT @@sql_mode", "SELECT @secret",
                "SELECT CONCAT(@@gtid_executed)", f"KILL {connection_id}", f"KILL QUERY {connection_id}",
                "SHOW VARIABLES LIKE 'gtid%'", "SHOW GLOBAL VARIABLES WHERE Variable_name = 'gtid_executed'",
                "SHOW CREATE TABLE secret_schema.x", "SELECT * FROM information_schema.tables", "USE mysql",
                "SHOW TABLES FROM information_schema", "SHOW FULL TABLES", "SHOW TABLE STATUS", "SHOW OPEN TABLES",
                "SELECT schema_name FROM information_schema.schemata", "SELECT * FROM information_schema.processlist",
                "SELECT TABLE_NAME FROM information_schema.columns", "SHOW GLOBAL STATUS LIKE '%'", "SHOW ENGINES", "SHOW ERRORS",
                "SELECT @@gtid_owned, @@server_uuid, @@gtid_executed", "SELECT 1; SHOW BINARY LOGS",
                "SELECT MASTER_GTID_WAIT('0-1-1')", "SELECT WAIT_FOR_EXECUTED_GTID_SET('')", "SET @x = CONCAT(@@gtid_purged, '')")
        for statement in statements:
            listener.ask(statement)
            listener.command(COM_STMT_PREPARE, statement.encode())
        for code in (COM_STATISTICS, COM_PROCESS_INFO):
            listener.command(code, b"")
        for flags in (0, 1):
            for name in (b"", first.encode(), b"no.000042", b"binlog.999999"):
                for position in (4, 5, 1 << 31):
                    listener.command(COM_BINLOG_DUMP, struct.pack("<IHI", position, flags, 80) + name)
            for data in (b"", struct.pack("<Q", 0), b"\xff" * 40):
                listener.command(COM_BINLOG_DUMP_GTID, struct.pack("<HIIQI", flags | 4, 81, 0, 4, len(data)) + data)
            listener.command(COM_BINLOG_DUMP, struct.pack("<IHI", 4, flags, 82),
                             before=("SET @mariadb_slave_capability = 4", "SET @slave_connect_state = '0-1-999'"))
        listener.command(COM_REGISTER_SLAVE, _register(83))
        held.ping(reconnect=False)
    at = error_rows.Places(source)
    listener.heard += [(row.error, repr(said(_Outsider(relay), row.ask)).encode()) for row in error_rows.rows_of(source.flavour, at)]
    secrets = _secrets_of(source, relay)
    for asked, heard in listener.heard:
        told = [secret for secret in secrets if secret in heard and secret.decode() not in asked]
        assert not told, f"{asked}: {told} in {heard[:400]}"
    stage.say(f"{len(listener.heard)} answers tell nothing of {len(secrets)} secrets")
    with relay.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW BINARY LOGS")
        assert [row[0] for row in cursor.fetchall()] == source.binlog_names()


def mysql_nothing_leaks(stage):
    _nothing_leaks(stage, stage.mysql("source"))


def mariadb_nothing_leaks(stage):
    _nothing_leaks(stage, stage.mariadb("source"))


def _refused(relay, **login):
    try:
        relay.connect(**login).close()
    except pymysql.err.OperationalError as error:
        return error.args[0] == 1045
    return False


def hosts_and_tls(stage):
    """Where clients come from, whether they use TLS, and the certificate they show."""
    stage.needs_relay()
    source = stage.mysql("source")
    relay = Relay(source)
    known, unknown = Authority(relay.dir, "known"), Authority(relay.dir, "unknown")
    shop, other = known.issue("shop", "DNS:shop"), known.issue("other", "DNS:other")
    forged = unknown.issue("shop", "DNS:shop")
    relay.stream_tls["client_ca_file"] = str(known.certificate)
    for user, settings in (("near", {"host": "127.0.0.0/8"}), ("far", {"host": "10.%"}), ("tls", {"require_tls": True}),
                           ("any_certificate", {"require_client_certificate": True}),
                           ("shop", {"client_certificate_subject": "/CN=shop"})):
        relay.add_account(user, **settings)
    stage.enter(relay)

    def shows(pair):
        return {"ssl": {"check_hostname": False, "cert": str(pair[0]), "key": str(pair[1])}}

    plain, tls = {"ssl_disabled": True}, {"ssl": {"check_hostname": False}}
    ways = {"plain": plain, "tls": tls, "shop": shows(shop), "other": shows(other), "forged": shows(forged)}
    admitted = {"near": set(ways), "far": set(), "tls": set(ways) - {"plain"}, "any_certificate": {"shop", "other"},
                "shop": {"shop"}}
    for user, expected in admitted.items():
        found = {name for name, way in ways.items() if not _refused(relay, user=user, **way)}
        assert found == expected, f"{user}: {found} instead of {expected}"
    stage.say(f"{len(ways)} ways in to {len(admitted)} accounts are as they should be")


def reloaded(stage):
    """Passwords, accounts and certificates change under a dump that goes on; a mistake changes nothing."""
    stage.needs_relay()
    source = stage.mysql("source")
    relay = Relay(source)
    relay.add_account("goes")
    stage.enter(relay)
    replica = stage.mysql("replica")
    replica.start_replica(relay.host, relay.port, relay.user, relay.password)
    work = Workload(source)
    work.small(20)
    replica.wait_replica_caught_up(source)
    dumps = relay.status()["streams"][0]["consumers"]

    def told(text):
        return text in relay.log_tail(200)

    def certificate():
        with relay.connect(ssl={"check_hostname": False}) as connection:
            return connection._sock.getpeercert(binary_form=True)

    before = certificate()
    old_password = relay.password
    password = "another word"
    relay.accounts.pop("goes")
    relay.user, relay.password = relay.add_account("replica", password)
    relay.add_account("comes", privileges=[])
    mine = Authority(relay.dir, "mine").issue("relay", "IP:127.0.0.1")
    relay.stream_tls.update(certificate_file=str(mine[0]), key_file=str(mine[1]))
    good = relay.write_config() or relay.config.read_text()

    relay.config.write_text(good.replace("view = \"all\"", "view = \"nothing\"") + "[stream.nonsense]\n")
    done = relay.command("reload", "--config", str(relay.config), check=False)
    assert done.returncode == 1 and b"nonsense" in done.stdout + done.stderr and b"\"nothing\"" in done.stdout + done.stderr, done
    assert not told("reload:")
    relay.process.signal(1)
    machine.wait_until("the refusal", lambda: told("reload: refused"), 30)
    assert told("unknown key 'nonsense'") and told("\"nothing\" is not one of")
    relay.connect(user="replica", password=old_password).close()

    relay.config.write_text(good)
    relay.command("reload", "--config", str(relay.config))
    machine.wait_until("the new accounts", lambda: told("accounts and certificates are as the configuration says"), 30)
    assert _refused(relay, user="replica", password=old_password) and _refused(relay, user="goes", password=old_password)
    for user in ("replica", "comes"):
        relay.connect(user=user).close()
    assert certificate() != before
    work.small(20)
    replica.wait_replica_caught_up(source)
    same = [[(consumer["id"], consumer["user"]) for consumer in consumers if consumer["user"] == "replica"]
            for consumers in (dumps, relay.status()["streams"][0]["consumers"])]
    assert same[0] == same[1] and same[0], f"the dump did not go on: {same}"


scenario.main(mysql_privileges, mariadb_1011_privileges, mariadb_118_privileges, mysql_nothing_leaks, mariadb_nothing_leaks,
              hosts_and_tls, reloaded)
