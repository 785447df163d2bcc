"""Proxy: stands in the middle of TCP connections, where a test cuts them or lets them swallow what is sent.

    proxy = stage.enter(Proxy("proxy", source.port))  # clients connect to proxy.port
    proxy.cut()                                       # every open connection is reset
    proxy.black_hole(); ...; proxy.end_of_hole()
    proxy.cut_behind_answer_to(b"SELECT 1", client)   # once: while the client has nothing under way
    proxy.cut_after(20_000)                           # once: as soon as a client has been sent so many bytes from now on
    proxy.damage(b"a word")                           # once: a bit of it changes on its way

In a black hole packets are dropped by the kernel, those of new connections too, and nothing is closed: a classic BPF
filter on every socket of the proxy takes nothing in (socket(7), SO_ATTACH_FILTER). What the two ends have sent is sent
again by their kernels when the hole ends, as after any outage; who has given up in between is gone.
"""

import collections
import ctypes
import os
import selectors
import socket
import struct
import threading

from lab import machine

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27  # asm-generic/socket.h
_BPF_RETURN = 0x06  # BPF_RET | BPF_K: so many bytes of the packet are taken
_TAKE_NOTHING = ctypes.create_string_buffer(struct.pack("HBBI", _BPF_RETURN, 0, 0, 0))
_PROGRAM = struct.pack("HL", 1, ctypes.addressof(_TAKE_NOTHING))
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BUFFER = 1 << 16  # little is under way between the two ends, as on a wire


class _End:
    """One of the two sockets of a connection; `waiting` has come from the other one and has yet to be sent here."""

    def __init__(self, sock, is_client):
        self.sock, self.is_client = sock, is_client
        self.other, self.waiting, self.connected = None, b"", True
        self.to_be_cut = False  # when something has come from it
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER)


class Proxy:
    """Forwards to a port of this machine, in a thread of its own, to which every socket belongs.

    Clients find it at `host`: one of this machine's addresses, 127.x.y.z.
    """

    def __init__(self, name, target_port, host="127.0.0.1"):
        self.name, self.target_port, self.host, self.port = name, target_port, host, machine.free_port()
        self.connections = 0
        self._ends = set()
        self._in_hole = self._stopping = False
        self._cut_behind = self._client = None  # what a client says before it is cut off, and the server it belongs to
        self.cuts_behind = 0
        self._bytes_to_cut = None  # to be sent to clients before the one that gets the last of them is cut off
        self._to_be_damaged = None
        self.damaged = 0
        self._orders = collections.deque()
        self._woken, self._wake = os.pipe()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._listener.bind((self.host, self.port))
        self._listener.listen(128)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread.start()
        return self

    def discard(self):
        self._order(self._stop)

    def log_tail(self, lines=0):
        return f"port {self.port} to {self.target_port}: {self.connections} connections"

    @property
    def open_connections(self):
        return len(self._ends) // 2

    def cut(self):
        """Resets every open connection, at both ends."""
        self._order(self._cut)

    def cut_behind_answer_to(self, text, client):
        """Resets the next connection whose client sends `text`, behind the answer and before anything else is said.

        `client` is the server whose connection it is: it stands still meanwhile, or it would now and then say the next
        thing sooner than the reset comes.
        """
        def wait_for():
            self._cut_behind, self._client = text, client
        self._order(wait_for)

    def cut_after(self, size):
        """Resets the next connection whose client is sent the last of `size` bytes, which are counted over all of them."""
        self._order(lambda: setattr(self, "_bytes_to_cut", size))

    @property
    def cut_is_due(self):
        """Whether cut_after() was said and the bytes have not come yet."""
        return self._bytes_to_cut is not None

    def damage(self, text):
        """Flips a bit of `text` where it next passes in one piece, as no checksum of TCP would notice."""
        self._order(lambda: setattr(self, "_to_be_damaged", text))

    def black_hole(self):
        self._order(self._begin_hole)

    def end_of_hole(self):
        self._order(self._end_hole)

    def _order(self, order):
        """Has the proxy's thread do something, and waits until it is done."""
        done = threading.Event()
        self._orders.append((order, done))
        os.write(self._wake, b".")
        assert done.wait(30), f"{self.name} does not obey"

    # ---- in the proxy's thread

    def _run(self):
        while not self._stopping:
            for key, events in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj == self._woken:
                    self._obey()
                elif key.data in self._ends and not self._in_hole:
                    self._serve(key.data, events)

    def _obey(self):
        os.read(self._woken, 1)
        order, done = self._orders.popleft()
        order()
        done.set()

    def _accept(self):
        try:
            accepted, _ = self._listener.accept()
        except OSError:
            return  # it has gone again
        _drop_packets(accepted, False)  # it may have come while a hole ended
        self.connections += 1
        client, target = _End(accepted, True), _End(socket.socket(), False)
        client.other, target.other = target, client
        self._ends |= {client, target}
        target.connected = False
        target.sock.connect_ex(("127.0.0.1", self.target_port))
        self._watch(target)

    def _watch(self, end):
        """Waits for what the end can do now; it is read from only when the other can take what comes."""
        wanted = 0
        if end.other.connected and not end.other.waiting:
            wanted |= selectors.EVENT_READ
        if end.waiting or not end.connected:
            wanted |= selectors.EVENT_WRITE
        watched = self._selector.get_map().get(end.sock)
        if self._in_hole or not wanted:
            if watched:
                self._selector.unregister(end.sock)
        elif watched:
            self._selector.modify(end.sock, wanted, end)
        else:
            self._selector.register(end.sock, wanted, end)

    def _serve(self, end, events):
        try:
            if events & selectors.EVENT_WRITE:
                self._send(end)
            if events & selectors.EVENT_READ and end.connected and not end.other.waiting:
                got = end.sock.recv(_BUFFER)
                if not got:
                    return self._close(end)
                if self._to_be_damaged and self._to_be_damaged in got:
                    at = got.index(self._to_be_damaged)
                    got = got[:at] + bytes([got[at] ^ 1]) + got[at + 1:]
                    self._to_be_damaged, self.damaged = None, self.damaged + 1
                end.other.waiting = got
                if end.to_be_cut:
                    return self._cut_behind_answer(end)
                if self._is_last_to_cut(end, len(got)):
                    return self._close(end, reset=True)
                self._send(end.other)
                if self._cut_behind and self._cut_behind in got:
                    self._cut_behind, end.other.to_be_cut = None, True
        except BlockingIOError:
            pass
        except OSError:
            return self._close(end, reset=True)
        self._watch(end)
        self._watch(end.other)

    def _is_last_to_cut(self, end, size):
        if self._bytes_to_cut is None or end.is_client:
            return False
        self._bytes_to_cut -= size
        if self._bytes_to_cut > 0:
            return False
        self._bytes_to_cut = None
        return True

    def _cut_behind_answer(self, end):
        self._client.freeze()
        try:
            self._send(end.other)
        finally:
            self._close(end, reset=True)
            self._client.thaw()
        self.cuts_behind += 1

    @staticmethod
    def _send(end):
        if not end.connected:
            failed = end.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if failed:
                raise OSError(failed, os.strerror(failed))
            end.connected = True
        if end.waiting:
            end.waiting = end.waiting[end.sock.send(end.waiting):]

    def _close(self, end, reset=False):
        for each in (end, end.other):
            self._ends.discard(each)
            if self._selector.get_map().get(each.sock):
                self._selector.unregister(each.sock)
            if reset:
                each.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            each.sock.close()

    def _cut(self):
        while self._ends:
            self._close(next(iter(self._ends)), reset=True)

    def _begin_hole(self):
        self._in_hole = True
        self._selector.unregister(self._listener)
        self._drop_packets_of_all(True)

    def _end_hole(self):
        self._in_hole = False
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._drop_packets_of_all(False)

    def _drop_packets_of_all(self, drop):
        _drop_packets(self._listener, drop)
        for end in self._ends:
            _drop_packets(end.sock, drop)
            self._watch(end)

    def _stop(self):
        self._stopping = True
        self._cut()
        self._listener.close()


def _drop_packets(sock, drop):
    if drop:
        sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, _PROGRAM)
        return
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
    except FileNotFoundError:
        pass  # it has none
