"""A source whose commits are measured, and writers and consumers for it."""

from bare_loops import Dump, Loop
from lab import MySql

# So many that a rate is kept also where a commit takes milliseconds: with 4, whoever makes them wait is asked for less.
WRITERS = 16


class TailSource:
    """A MySQL that brings every commit to stable storage before it acknowledges it. Commits take turns at its tables."""

    def __init__(self, table_count=1, **options):
        self._table_count = table_count
        self.server = MySql("source", sync_binlog=1, innodb_flush_log_at_trx_commit=1, **options).start()
        self.server.sql("CREATE DATABASE bench")
        for statement in self.tables():
            self.server.sql(statement)
        self.account = self.server.add_replication_account("bench")

    def tables(self):
        """The statements that create them, in the database bench."""
        return [f"CREATE TABLE bench.hop{number} (number BIGINT UNSIGNED NOT NULL, what VARCHAR(200))"
                for number in range(self._table_count)]

    def dump(self, end=None, account=None):
        """A dump at the end of what the source has, from the source itself or from a relay."""
        file, position = self.server.binlog_position()
        user, password = account or ((end.user, end.password) if end else self.account)
        return Dump(end or self.server, file, position, blocking=True, user=user, password=password)

    def probe(self, rate, seconds, consumers):
        """Commits at a rate; what hop_probe says of them and of how they came to these consumers."""
        connections = [self.server.connect() for _ in range(WRITERS)]
        for connection in connections:
            connection._sock.settimeout(None)
        writers = [connection._sock.fileno() for connection in connections]
        loop = Loop("hop_probe", rate, seconds, self._table_count, WRITERS, *writers, *(consumer.argument for consumer in consumers),
                    fds=[*writers, *(consumer.fd for consumer in consumers)])
        loop.go()
        said = loop.result()
        for connection in connections:
            connection._force_close()
        for consumer in consumers:
            consumer.close()
        if said["lost"]:
            raise RuntimeError(f"{said['lost']} of {said['commits']} commits did not come to every consumer")
        return said


class Crowd:
    """Consumers that read what comes at the tail and keep nothing, until closed."""

    def __init__(self, dumps):
        self._dumps = dumps
        self._loop = Loop("discard_dumps", *(dump.argument for dump in dumps), fds=[dump.fd for dump in dumps])
        self._loop.go()

    def close(self):
        self._loop.end()
        for dump in self._dumps:
            dump.close()
