"""Connections that are only held: idle ones after one request each, and one that reads slowly."""
import contextlib
import socket
import threading

from .load import MESSAGE, SOURCES
from .process import BenchError

ASK = {"http": b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n", "tcp": MESSAGE.encode() + b"\n"}


@contextlib.contextmanager
def idle(protocol, port, count):
    """So many connections, each of which has had one answer."""
    with contextlib.ExitStack() as stack:
        for number in range(count):
            source = (SOURCES[number % len(SOURCES)], 0)
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10, source))
            sock.sendall(ASK[protocol])
            if not sock.recv(4096):
                raise BenchError(f"idle connection {number} of {count} was closed")
        yield


@contextlib.contextmanager
def slow_reader(port, path="/big", bytes_per_s=1 << 20):
    """One client that takes a big answer at its leisure, until the end of the block."""
    over = threading.Event()
    first, parts = [], []

    def read():
        part = bytes_per_s // 20
        with socket.create_connection(("127.0.0.1", port), 10) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            first.append(sock.recv(part))
            while not over.wait(0.05):
                parts.append(len(sock.recv(part)))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    over.wait(0.3)
    try:
        yield
    finally:
        over.set()
        thread.join()
    if not first or not first[0].startswith(b"HTTP/1.1 200") or 0 in parts:
        raise BenchError("the slow reader was given up")
