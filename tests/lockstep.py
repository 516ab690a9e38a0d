"""Exchanges through a coordinator in lock step: client and server are one thread, so that the
coordinator meets the same events in the same order in every run. What it cost can then be counted.
"""
import contextlib
import select
import socket

LIMIT_S = 60
PIECE = 64 * 1024
FIELDS = (b"Host: balanced.test\r\nUser-Agent: lockstep/1.0\r\nAccept: */*\r\n")


def get():
    return b"GET / HTTP/1.1\r\n" + FIELDS + b"\r\n"


def post(length):
    return (b"POST / HTTP/1.1\r\n" + FIELDS + b"Content-Length: %d\r\n\r\n" % length +
            b"x" * length)


def answer(length):
    """A response in pieces: each is sent once the client has the one before."""
    head = (b"HTTP/1.1 200 OK\r\nServer: lockstep\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
            b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % length)
    pieces = [b"y" * min(PIECE, length - at) for at in range(0, length, PIECE)]
    return [head + pieces[0], *pieces[1:]]


class Row:
    """One kind of exchange. `fresh`: on a connection of the client's own each time."""

    def __init__(self, scheme, request, response, fresh=False, log=True):
        self.scheme, self.request, self.response = scheme, request, response
        self.fresh, self.log = fresh, log

    @property
    def http(self):
        return self.scheme == "http"


ROWS = {
    "tcp": Row("tcp", b"m" * 64, [b"r" * 64], log=False),
    "tcp-new": Row("tcp", b"m" * 64, [b"r" * 64], fresh=True),
    "http": Row("http", get(), answer(64)),
    "http-nolog": Row("http", get(), answer(64), log=False),
    "http-post16k": Row("http", post(16384), answer(64)),
    "http-new": Row("http", get(), answer(64), fresh=True),
    "http-16k": Row("http", get(), answer(16384)),
    "http-1m": Row("http", get(), answer(1 << 20)),
}


def connect(port):
    made = socket.create_connection(("127.0.0.1", port), LIMIT_S)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def receive(connection, count):
    data = bytearray()
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError(f"it ended after {len(data)} of {count} bytes: {data[:200]}")
        data += more


def receive_message(connection, body):
    """A head, and so many bytes after it."""
    data = bytearray()
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError(f"it ended within a head: {data[:200]}")
        data += more
    receive(connection, data.index(b"\r\n\r\n") + 4 + body - len(data))
    if data.startswith(b"HTTP/1.1") and not data.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(f"no 200: {data[:200]}")


def body_of(message):
    return len(message) - message.index(b"\r\n\r\n") - 4


class LockStep:
    """A listening server, and clients of a coordinator in front of it. A context manager."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._poll = select.poll()
        self._poll.register(self._listener, select.POLLIN)
        self._upstreams = {}
        self._clients, self._idle = [], []
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close_clients()
        for one in [self._listener, *self._idle, *self._upstreams.values()]:
            one.close()

    def open_clients(self, port, count):
        self._clients = [connect(port) for _ in range(count)]

    def close_clients(self):
        for client in self._clients:
            client.close()
        self._clients = []

    def run(self, row, port, exchanges, connections=1):
        """So many exchanges over so many connections at once; a response in pieces wants one."""
        if not row.fresh:
            self.open_clients(port, connections)
        for _ in range(exchanges // connections):
            if row.fresh:
                self.open_clients(port, connections)
            self.round(row)
            if row.fresh:
                self._end_clients(row)
        if not row.fresh:
            self._end_clients(row)

    def leave_idle(self, row, port, count, at_once=20):
        """So many more connections that stay open behind one exchange each; few at a time."""
        for _ in range(count // at_once):
            self.open_clients(port, at_once)
            self.round(row)
            self._idle += self._clients
            self._clients = []

    def round(self, row):
        """One exchange on each open connection."""
        for client in self._clients:
            client.sendall(row.request)
        for _ in self._clients:
            upstream = self._next_asking()
            if row.http:
                receive_message(upstream, body_of(row.request))
            else:
                receive(upstream, len(row.request))
            upstream.sendall(row.response[0])
        for client in self._clients:
            if row.http:
                receive_message(client, body_of(row.response[0]))
            else:
                receive(client, len(row.response[0]))
        for piece in row.response[1:]:
            upstream.sendall(piece)
            receive(self._clients[0], len(piece))

    def _next_asking(self):
        """A connection from the coordinator on which there is a request."""
        while True:
            for upstream in self._readable():
                if upstream.recv(1, socket.MSG_PEEK):
                    return upstream
                self._close(upstream)

    def _end_clients(self, row):
        count = len(self._clients)
        self.close_clients()
        if not row.http:
            self._await_ends(count)

    def _await_ends(self, count):
        """The coordinator has ended so many of its connections: end them, too."""
        while count > 0:
            for upstream in self._readable():
                if not upstream.recv(1, socket.MSG_PEEK):
                    self._close(upstream)
                    count -= 1

    def _readable(self):
        ready = self._poll.poll(LIMIT_S * 1000)
        if not ready:
            raise TimeoutError(f"the coordinator does nothing for {LIMIT_S} s")
        for descriptor, _ in ready:
            if descriptor != self._listener.fileno():
                yield self._upstreams[descriptor]
                continue
            upstream, _ = self._listener.accept()
            upstream.settimeout(LIMIT_S)
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._upstreams[upstream.fileno()] = upstream
            self._poll.register(upstream, select.POLLIN)

    def _close(self, upstream):
        self._poll.unregister(upstream)
        del self._upstreams[upstream.fileno()]
        with contextlib.suppress(OSError):
            upstream.close()
