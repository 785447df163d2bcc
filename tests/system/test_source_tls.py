"""TLS towards the source, in every mode the configuration has: what is demanded is what happens, or nothing does."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402
from certificates import Authority  # noqa: E402
from lab import Relay, machine  # noqa: E402
from lab.machine import wait_until  # noqa: E402
from proxy import Proxy  # noqa: E402

HOST = "127.0.0.2"  # not 127.0.0.1: there Connector/C 3.4 takes a certificate of any name

# Connector/C's and libmysqlclient's own words.
WITHOUT_TLS = ("insecure transport", "Access denied")  # MySQL, MariaDB
NO_TLS_THERE = ("offers no TLS", "doesn't support SSL", "SSL connection error", "TLS/SSL error", "SSL is required")
UNVERIFIED = ("certificate", "verif", "SSL connection error", "TLS/SSL error", "hostname", "SSL certificate validation failure")


class Modes:
    """A source and the relays that try to reach it, each once, over a wire on which nobody reads their password."""

    def __init__(self, stage, source):
        self._stage, self._source, self._tries = stage, source, 0

    def _begin(self, tls, ca):
        self._tries += 1
        wire = self._stage.enter(Proxy("wire", self._source.port, HOST))
        settings = {"host": HOST, "port": wire.port, "tls": tls, **({"tls_ca": str(ca)} if ca else {})}
        relay = Relay(self._source, name=f"relay-{self._tries}", source_settings=settings)
        relay.write_config()
        wire.damage(relay.source_password().encode())
        relay.start_again(wait=False)
        return relay, wire

    def _end(self, relay, wire):
        relay.kill()
        assert wire.damaged == 0, f"the password was sent in clear text\n{relay.log_tail()}"

    def reaches(self, tls, ca=None):
        relay, wire = self._begin(tls, ca)
        wait_until(lambda: f"{tls} reaches its source\n{relay.log_tail()}", lambda: machine.listens(relay.port), 30)
        relay.caught_up_with(self._source)
        self._end(relay, wire)
        self._stage.say(f"{tls}: relayed")

    def is_refused(self, tls, words, ca=None):
        relay, wire = self._begin(tls, ca)
        wait_until(lambda: f"{tls} is refused with one of {words}\n{relay.log_tail()}",
                   lambda: any(word in relay.log_tail(100) for word in words), 30)
        assert "reading from" not in relay.log_tail(100), relay.log_tail()
        self._end(relay, wire)
        said = next(line for line in relay.log_tail(100).splitlines() if any(word in line for word in words))
        self._stage.say(f"{tls}: refused: {said[-140:]}")


def _with_certificate(source, authority, pair):
    inside = []
    for path in (authority.certificate, *pair):
        machine.give_to_servers(shutil.copy(path, source.dir))
        inside.append(source.inside(source.dir / path.name))
    source.restart(ssl_ca=inside[0], ssl_cert=inside[1], ssl_key=inside[2])
    return source


def _every_mode(stage, make_source, without_tls):
    stage.needs_relay()
    folder = machine.scratch("certificates")
    ours, others = Authority(folder, "ours"), Authority(folder, "others")

    source = _with_certificate(make_source("source"), ours, ours.issue("here", f"IP:{HOST}"))
    modes = Modes(stage, source)
    modes.reaches("disabled")
    source.sql("SET GLOBAL require_secure_transport = ON")  # the lab's own connection is open already
    modes.is_refused("disabled", WITHOUT_TLS)
    modes.reaches("preferred")
    modes.reaches("required")
    for tls in ("verify-ca", "verify-identity"):
        modes.reaches(tls, ours.certificate)
        modes.is_refused(tls, UNVERIFIED, others.certificate)
    source.discard()

    source = _with_certificate(make_source("elsewhere"), ours, ours.issue("elsewhere", "DNS:elsewhere.example"))
    modes = Modes(stage, source)
    modes.reaches("verify-ca", ours.certificate)
    modes.is_refused("verify-identity", UNVERIFIED, ours.certificate)
    source.discard()

    modes = Modes(stage, make_source("without", **without_tls))
    modes.reaches("preferred")
    modes.is_refused("required", NO_TLS_THERE)
    modes.is_refused("verify-ca", NO_TLS_THERE, ours.certificate)


def mysql_source_tls(stage):
    _every_mode(stage, stage.mysql, {"tls_version": ""})


def mariadb_source_tls(stage):
    _every_mode(stage, stage.mariadb, {"ssl": "OFF"})


scenario.main(mysql_source_tls, mariadb_source_tls)
