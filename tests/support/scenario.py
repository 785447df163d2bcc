"""Runs the scenarios of one system test file.

A scenario is a function that takes a Stage: it asks the stage for servers and relays, acts, and asserts. The stage stops
them when the scenario ends and shows their logs when it failed.

    python3 tests/system/test_x.py [--only NAME]... [--full] [--direct] [--list]

--direct puts nothing between source and replicas: it proves the scenario, not the relay.
Exit code 77 with a line "SKIPPED: reason" means that a scenario could not run here.
"""

import argparse
import os
import pathlib
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

from lab import MariaDb, MySql, Relay, Unavailable, machine  # noqa: E402

SKIPPED = 77


class Direct:
    """Stands where a relay would and is the source itself."""

    def __init__(self, source):
        self.name = "no relay"
        self.source, self.host, self.port = source, "127.0.0.1", source.port
        self.user, self.password = source.add_replication_account("replica")

    def sql(self, statement):
        return self.source.sql(statement)

    def connect(self, user=None, password=None, **more):
        return self.source.connect(user=user or self.user, password=password or self.password, **more)

    def binlog_position(self):
        return self.source.binlog_position()

    def binlog_names(self):
        return self.source.binlog_names()

    def binlog_events(self, name):
        return self.source.binlog_events(name)

    def segment_files(self):
        return {path.name: path for path in self.source.binlog_files()}

    def caught_up_with(self, source, timeout=120):
        pass

    def start(self):
        return self

    def discard(self):
        pass

    def log_tail(self, lines=30):
        return ""


class Stage:
    """Who takes part in one scenario."""

    def __init__(self, direct, full):
        self.direct, self.full = direct, full
        self._cast = []

    def mysql(self, name, copy_of=None, **options):
        return self.enter(self._with_data(MySql(name, **options), copy_of))

    def mariadb(self, name, copy_of=None, **options):
        return self.enter(self._with_data(MariaDb(name, **options), copy_of))

    def relay(self, source, **options):
        if self.direct:
            return self.enter(Direct(source))
        return self.enter(Relay(source, **options))

    def relay_of_two(self, source, second, **options):
        """One relay with two streams; the second is its `second`, `options` are the second's."""
        relay = Relay(source)
        relay.second = relay.add_stream(second, "second", **options)
        return self.enter(relay)

    @staticmethod
    def _with_data(server, copy_of):
        """A server that begins with a copy of a stopped one's data."""
        if copy_of:
            server.take_data_of(copy_of)
        return server

    def needs_relay(self):
        if self.direct:
            raise Unavailable("--direct: there is no relay to test")

    def needs_full(self, other):
        """`other` shows the same in a default run, with the other family of servers."""
        if not self.full:
            raise Unavailable(f"shows what {other} shows: only with --full")

    def say(self, text):
        print(f"   {time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def enter(self, member):
        """Starts somebody and stops them when the scenario ends."""
        self._cast.append(member)
        return member.start()

    def show_logs(self):
        for member in self._cast:
            print(f"---- log of {member.name}\n{member.log_tail(40)}", flush=True)

    def end(self):
        """Relays must stop cleanly; servers are only thrown away."""
        for member in reversed(self._cast):
            member.stop() if isinstance(member, Relay) else member.discard()

    def play(self, scenario):
        self.began = time.monotonic()
        print(f"== {scenario.__name__}", flush=True)
        try:
            scenario(self)
            self.end()
        except Unavailable as reason:
            print(f"SKIPPED: {reason}", flush=True)
            return SKIPPED
        except Exception:
            traceback.print_exc()
            self.show_logs()
            print(f"== {scenario.__name__}: FAILED", flush=True)
            return 1
        finally:
            machine.clean_up()
        print(f"== {scenario.__name__}: passed in {time.monotonic() - self.began:.1f} s", flush=True)
        return 0


def main(*scenarios):
    arguments = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    arguments.add_argument("--only", action="append", metavar="NAME", help="this scenario; may be repeated")
    arguments.add_argument("--full", action="store_true", default=bool(os.environ.get("BINRELAY_TEST_FULL")),
                           help="the long figures")
    arguments.add_argument("--direct", action="store_true", help="no relay: prove the scenario itself")
    arguments.add_argument("--list", action="store_true")
    options = arguments.parse_args()
    chosen = {scenario.__name__: scenario for scenario in scenarios if not options.only or scenario.__name__ in options.only}
    if options.list:
        print(*chosen, sep="\n")
        sys.exit(0)
    unknown = set(options.only or ()) - set(chosen)
    if unknown:
        arguments.error(f"no scenario {', '.join(sorted(unknown))}")
    results = [Stage(options.direct, options.full).play(scenario) for scenario in chosen.values()]
    sys.exit(1 if 1 in results else SKIPPED if all(result == SKIPPED for result in results) else 0)
