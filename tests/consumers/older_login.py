"""OlderLogin: a MySQL 9.7 for clients that were written for older ones. It takes the login that 9.7 has no more
(mysql_native_password), logs in itself, and asks SHOW BINARY LOG STATUS where a client says SHOW MASTER STATUS. All else passes
by as it is, so what such a client is sent is what the server sends."""

import socket
import struct
import threading

import pymysql
from pymysql.constants import CLIENT

NATIVE = b"mysql_native_password"
SCRAMBLE = b"12345678901234567890"  # whatever is answered is taken
OK = b"\x00\x00\x00\x02\x00\x00\x00"
OLD, NEW = b"\x03show master status", b"\x03SHOW BINARY LOG STATUS"
# What changes the packets that follow must be the same on both connections.
OFFERED = (CLIENT.LONG_PASSWORD | CLIENT.FOUND_ROWS | CLIENT.LONG_FLAG | CLIENT.CONNECT_WITH_DB | CLIENT.PROTOCOL_41 | CLIENT.TRANSACTIONS
           | CLIENT.SECURE_CONNECTION | CLIENT.MULTI_STATEMENTS | CLIENT.MULTI_RESULTS | CLIENT.PLUGIN_AUTH)


def _receive(sock, count):
    got = b""
    while len(got) < count:
        more = sock.recv(count - len(got))
        if not more:
            raise ConnectionError
        got += more
    return got


def _packet(sock):
    head = _receive(sock, 4)
    return head[3], _receive(sock, int.from_bytes(head[:3], "little"))


def _send(sock, number, payload):
    sock.sendall(len(payload).to_bytes(3, "little") + bytes([number]) + payload)


class OlderLogin:
    def __init__(self, source, user, password):
        self._source, self._account = source, (user, password)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        for sock in [self._listener, *self._sockets]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        user, password = self._account
        connection = pymysql.connect(host="127.0.0.1", port=self._source.port, user=user, password=password,
                                     client_flag=CLIENT.FOUND_ROWS | CLIENT.MULTI_STATEMENTS)
        server = connection._sock
        server.settimeout(None)
        self._sockets.append(server)
        try:
            version, session = connection.get_server_info().encode(), connection.thread_id()
            _send(client, 0, b"\x0a" + version + b"\0" + struct.pack("<I", session) + SCRAMBLE[:8] + b"\0"
                  + struct.pack("<HBHHB", OFFERED & 0xffff, 45, 2, OFFERED >> 16, len(SCRAMBLE) + 1) + bytes(10)
                  + SCRAMBLE[8:] + b"\0" + NATIVE + b"\0")
            number, login = _packet(client)
            database = self._database(login)
            if database:
                connection.select_db(database)
            _send(client, number + 1, OK)
            threading.Thread(target=self._answers, args=(server, client), daemon=True).start()
            while True:
                number, command = _packet(client)
                _send(server, number, NEW if command.strip(b"; ").lower() == OLD else command)
        except (OSError, pymysql.err.Error):
            pass
        finally:
            for sock in (client, server):
                sock.close()

    @staticmethod
    def _database(login):
        """MySQL manual, "Protocol::HandshakeResponse41"."""
        if not struct.unpack_from("<I", login)[0] & CLIENT.CONNECT_WITH_DB:
            return ""
        _, _, rest = login[32:].partition(b"\0")
        return rest[1 + rest[0]:].partition(b"\0")[0].decode()

    @staticmethod
    def _answers(server, client):
        try:
            while True:
                some = server.recv(1 << 16)
                if not some:
                    break
                client.sendall(some)
        except OSError:
            pass
        try:
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
