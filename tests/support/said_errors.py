"""What a server says no with: (code, SQLSTATE, text), of a statement, a command, a dump or a login.

Each function makes a question; a question is asked of an end (a source or its relay: whatever has connect(user=...)).
"""

import contextlib
import os
import re
import select
import socket
import struct

import pymysql
from lab.machine import wait_until

from dump_client import COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID, encode_gtids, log_pos_of

COM_QUERY, COM_STMT_PREPARE, COM_STMT_SEND_LONG_DATA = 0x03, 0x16, 0x18
NON_BLOCKING = 1
CROWD, LOGINS = 20, 20  # connections of an account, and of a host that has not logged in, which an end lets in
ANNOUNCED = "SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'"
_raise = pymysql.err.raise_mysql_exception


def _raise_with_packet(packet):
    """pymysql forgets the SQLSTATE."""
    try:
        _raise(packet)
    except pymysql.err.MySQLError as error:
        error.said = _parse(packet)
        raise


pymysql.err.raise_mysql_exception = _raise_with_packet


def _parse(packet):
    code, rest = struct.unpack("<H", packet[1:3])[0], packet[3:]
    state, text = (rest[1:6].decode(), rest[6:]) if rest[:1] == b"#" else ("", rest)
    return code, state, text.decode(errors="replace")


def said(end, question):
    """The error that a question is answered with, or None."""
    try:
        question(end)
    except pymysql.err.MySQLError as error:
        return getattr(error, "said", (error.args[0], "", str(error)))
    return None


def sql(*statements, **login):
    """On one connection; they may be made by a function of the end."""
    def question(end):
        with end.connect(**login) as connection:
            _run(connection, *statements)
    return question


def _run(connection, *statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            cursor.fetchall()


def command(code, body=b"", before=(), then=None, **login):
    """A command by its first byte and the rest; `then` is a second one, whose answer counts."""
    def question(end):
        connection = end.connect(**login)
        try:
            _run(connection, *before)
            for each_code, each_body in ((code, body), *((then,) if then else ())):
                connection._execute_command(each_code, each_body)
                answer = connection._read_packet().get_all_data()
                if answer[0] == 0xFE and len(answer) > 9:  # another way to say a password: say none
                    connection.write_packet(b"")
                    connection._read_packet()
                connection._next_seq_id = 0
        finally:
            connection._force_close()
    return question


class Dump:
    """A dump that has begun."""

    def __init__(self, end, code, body, before, login):
        self._connection = end.connect(**login)
        _run(self._connection, *before)
        self._connection._execute_command(code, body)

    def read(self, up_to=None):
        """Up to the event that ends there, or to its own end; an error of it is raised."""
        try:
            while True:
                packet = self._connection._read_packet().get_all_data()
                at_end = packet[0] == 0xFE and len(packet) < 9
                if at_end or up_to is not None and log_pos_of(packet[1:]) == up_to:
                    return self
        except BaseException:
            self.close()
            raise
        return self

    def close(self):
        self._connection._force_close()


def dump(name, position=4, flags=NON_BLOCKING, server_id=4700, before=(ANNOUNCED,), **login):
    """By file and position."""
    body = struct.pack("<IHI", position, flags, server_id) + name.encode()
    return lambda end: Dump(end, COM_BINLOG_DUMP, body, before, login).read()


def dump_by_set(gtids, name="", position=4, flags=NON_BLOCKING, server_id=4701, before=(ANNOUNCED,), **login):
    """MySQL's; `gtids` are a set's text, or bytes as they are."""
    data = gtids if isinstance(gtids, bytes) else encode_gtids(gtids)
    body = struct.pack("<HII", flags, server_id, len(name)) + name.encode() + struct.pack("<QI", position, len(data)) + data
    return lambda end: Dump(end, COM_BINLOG_DUMP_GTID, body, before, login).read()


def dump_by_position(gtids, *more, flags=NON_BLOCKING | 2):
    """MariaDB's."""
    before = (ANNOUNCED, "SET @mariadb_slave_capability = 4", f"SET @slave_connect_state = '{gtids}'", *more)
    return dump("", flags=flags, before=before)


def login(database=None, **way):
    return lambda end: end.connect(database=database, **way).close()


def packets(*payloads, user=None):
    """Bytes in place of a login; the answer to the last counts. `user` is one that a client without plugins names."""
    def question(end):
        with socket.create_connection(("127.0.0.1", end.port), timeout=10) as sock:
            _read_packet(sock)
            last = b""
            for number, payload in enumerate(payloads or [_login_without_plugins(user)]):
                sock.sendall(len(payload).to_bytes(3, "little") + bytes([number + 1]) + payload)
                last = _read_packet(sock)
        if last[:1] == b"\xff":
            _raise_with_packet(last)
    return question


def _login_without_plugins(user):
    protocol_41_and_secure_connection = 0x8200 | 1
    return struct.pack("<IIB23x", protocol_41_and_secure_connection, 1 << 24, 33) + user.encode() + b"\0\x14" + bytes(range(20))


def _read_packet(sock):
    head = _read_bytes(sock, 4)
    return _read_bytes(sock, int.from_bytes(head[:3], "little"))


def _read_bytes(sock, count):
    got = b""
    while len(got) < count:
        more = sock.recv(count - len(got))
        if not more:
            raise pymysql.err.OperationalError(2013, "the connection was closed")
        got += more
    return got


# ---- what takes more than a statement to bring about

def _in_words(error, number):
    """Says a number that is nobody's merit in words."""
    code_, state, text = error.said
    error.said = code_, state, re.sub(rf"(\(|thread ){number}\b", r"\1N", text)


def kill_of_another(end):
    """KILL of another account's connection, whose number is put in words."""
    with end.connect(user="none") as other:
        number = other.thread_id()
        try:
            sql(f"KILL {number}")(end)
        except pymysql.err.MySQLError as error:
            _in_words(error, number)
            raise


def one_too_many(**login_):
    """Of an account's connections."""
    def question(end):
        held = [end.connect(**login_) for _ in range(CROWD)]
        try:
            end.connect(**login_).close()
        finally:
            for connection in held:
                connection.close()
    return question


def second_dump(at, position):
    """The first of two dumps of one replica, when it has everything; what is said to it."""
    def question(end):
        both = []
        for _ in range(2):
            body = struct.pack("<IHI", position, 0, 4703) + at.last.encode()
            both.append(Dump(end, COM_BINLOG_DUMP, body, (ANNOUNCED,), {}).read(0 if position == at.end else at.end))
        try:
            both[0].read()
        finally:
            both[1].close()
    return question


def places_taken(end):
    """The connection that comes when there is no place for another."""
    if end.is_relay:
        held = [socket.create_connection(("127.0.0.1", end.port), 10, ("127.9.0.1", 0)) for _ in range(LOGINS)]
        way = {"bind_address": "127.9.0.1"}
    else:
        end.server.sql("SET GLOBAL max_connections = 10")
        held, way = [], {}
        with contextlib.suppress(pymysql.err.MySQLError):
            while True:  # the administrator's: they take the last place, too
                held.append(end.server.connect())
    try:
        end.connect(user="none", **way).close()
    finally:
        for each in held:
            each.close()
        if not end.is_relay:
            end.server.sql("SET GLOBAL max_connections = 200")


def too_large(end):
    """A statement of 5 MiB. A source says so when it has seen how long it is going to be."""
    with end.connect() as connection:
        size = 5 << 20
        body = b"\x03" + b" " * (size - 1) if end.is_relay else b"\x03"
        connection._sock.sendall(size.to_bytes(3, "little") + b"\0" + body)
        connection._next_seq_id = 1
        connection._read_packet()


def prepared(text, *then, times=1):
    """Prepares a statement and sends commands that name it by the number that it has got."""
    def question(end):
        number = 0
        connection = end.connect()
        try:
            for _ in range(times):
                connection._execute_command(COM_STMT_PREPARE, text)
                answer = connection._read_packet().get_all_data()
                number, columns, parameters = struct.unpack("<IHH", answer[1:9])
                for described in (parameters, columns):
                    for _ in range(described + 1 if described else 0):
                        connection._read_packet()
            for code_, body in then:
                connection._execute_command(code_, struct.pack("<I", number) + body)
                if code_ != COM_STMT_SEND_LONG_DATA:  # which is not answered
                    connection._read_packet()
        except pymysql.err.MySQLError as error:
            _in_words(error, number)
            raise
        finally:
            connection._force_close()
    return question


ENDLESS = ("SELECT COUNT(*) FROM information_schema.columns a, information_schema.columns b, information_schema.columns c, "
           "information_schema.columns d WHERE a.column_name <> b.column_name OR c.column_name <> d.column_name")


def while_source_is_asked(relay, then):
    """`then` says no while the source works at something; afterwards the source ends the relay's connection to it."""
    source = relay.server.source

    def working():
        return source.sql("SELECT id FROM information_schema.processlist WHERE user = 'metadata' AND info LIKE 'SELECT%'")
    first = relay.connect(user="metadata")
    first._execute_command(COM_QUERY, ENDLESS.encode())
    wait_until("the source is asked", working, 30)
    try:
        if then is not None:
            then(relay)
    finally:
        while not select.select([first._sock], [], [], 0.05)[0]:  # a lost connection is tried again once
            for row in working():
                with contextlib.suppress(pymysql.err.MySQLError):  # it may have ended
                    source.sql(f"KILL {row[0]}")
        answer = said(None, lambda _: first._read_query_result())
        first._force_close()
    error = pymysql.err.OperationalError(*answer)
    error.said = answer
    raise error


def dump_of_cut_file(relay):
    """Of a stored one that has lost its end."""
    name, path = next(iter(relay.server.segment_files().items()))
    os.truncate(path, path.stat().st_size // 2)
    dump(name)(relay)
