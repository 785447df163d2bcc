"""Who may log in to the relay, and how."""

import pathlib
import sys

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from workload import Workload  # noqa: E402

from lab import Relay  # noqa: E402

ACCESS_DENIED = 1045
ANY_CERTIFICATE = {"ssl": {"check_hostname": False}}


def _denied(relay, user, password):
    try:
        relay.connect(user=user, password=password).close()
    except pymysql.err.OperationalError as error:
        using = "YES" if password else "NO"
        assert error.args == (ACCESS_DENIED, f"Access denied for user '{user}'@'127.0.0.1' (using password: {using})"), error
        return
    raise AssertionError(f"{user} got in with a wrong password")


def _answers(relay, user, **more):
    with relay.connect(user=user, **more) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert int(cursor.fetchone()[0]) == 1
        cursor.execute("SHOW BINARY LOGS")
        assert cursor.fetchall()


def python_clients(stage):
    """Both plugins, with and without TLS, the slow and the fast way; and nobody else."""
    stage.needs_relay()
    source = stage.mariadb("source")
    relay = Relay(source)
    relay.add_account("native_user", plugin="native")
    relay.add_account("sha2_user", plugin="sha2")
    relay.add_account("no word", password="p \"$$'\\#", plugin="sha2")
    stage.enter(relay)
    relay.caught_up_with(source)
    for user in ("native_user", "sha2_user", "sha2_user", "no word"):  # the second time the cache answers
        _answers(relay, user)
        _answers(relay, user, **ANY_CERTIFICATE)
    stage.say("all ways in work")
    for user in ("native_user", "sha2_user", "nobody_known"):
        for password in ("wrong", "", relay.accounts["native_user"][0] + "x"):
            _denied(relay, user, password)
    _denied(relay, "sha2_user", relay.accounts["native_user"][0])
    stage.say("all others are refused")
    relay.restart()  # an empty cache: full authentication over TLS this time
    _answers(relay, "sha2_user", **ANY_CERTIFICATE)
    _answers(relay, "sha2_user")


def mysql_client(stage):
    """The mysql client of 9.7: TLS by default, an RSA key on request, and nothing in clear text."""
    stage.needs_relay()
    source = stage.mysql("source")
    relay = stage.relay(source)
    relay.caught_up_with(source)
    relay.restart()  # forgets that this login succeeded before

    def client(*arguments, password=relay.password):
        done = source.run_client("/usr/bin/mysql", "--no-defaults", "--host=127.0.0.1", f"--port={relay.port}",
                                 f"--user={relay.user}", f"--password={password}", *arguments, "-NBe",
                                 "SHOW STATUS LIKE 'Ssl_cipher'; SELECT @@server_uuid; SHOW BINARY LOGS", check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    code, said, errors = client("--ssl-mode=DISABLED")
    assert code and "Authentication requires secure connection" in errors, errors
    code, said, errors = client("--ssl-mode=DISABLED", "--get-server-public-key")
    assert code == 0, errors
    code, said, errors = client("--ssl-mode=REQUIRED")
    assert code == 0, errors
    lines = said.splitlines()
    assert lines[0].split("\t")[1], f"no cipher: {said}"
    assert lines[1] == source.value("SELECT @@server_uuid"), said
    assert [line.split("\t")[0] for line in lines[2:]] == source.binlog_names(), said
    code, said, errors = client("--ssl-mode=DISABLED")  # the password is known now: no key is needed
    assert code == 0, errors
    code, said, errors = client(password="wrong")
    assert code and "1045" in errors, errors


def replica_over_tls(stage):
    """A replica that insists on TLS."""
    source, replica = stage.mysql("source"), stage.mysql("replica")
    relay = stage.relay(source)
    Workload(source).small(50)
    replica.start_replica(relay.host, relay.port, relay.user, relay.password, SOURCE_SSL=1, GET_SOURCE_PUBLIC_KEY=0)
    replica.wait_replica_caught_up(source)


scenario.main(python_clients, mysql_client, replica_over_tls)
