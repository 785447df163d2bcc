"""Throw-away MySQL and MariaDB servers and relays, for the quickstart and the system tests.

    from lab import MariaDb, Relay

    source = MariaDb().start()
    relay = Relay(source).start()
    replica = MariaDb().start()
    replica.start_replica("127.0.0.1", relay.port, relay.user, relay.password)

Everything listens on 127.0.0.1 on free ports, keeps its files in temporary directories and is stopped at exit.
"""

from .machine import Unavailable
from .mariadb import MariaDb
from .mysql import MySql
from .relay import Relay
from .server import Server

__all__ = ["MariaDb", "MySql", "Relay", "Server", "Unavailable"]
