"""Neither side may make the coordinator hold what the other does not take."""
import hashlib
import socket
import threading
import time

import pytest
from harness import await_records
from peers import RawServer, read_head, until

BODY_BYTES = 64 << 20
GROWTH_KIB_MAX = 8 << 10


def settle(coordinator):
    """The memory of the coordinator once it has not grown for half a second."""
    state = {"rss": coordinator.rss_kib(), "since": time.monotonic()}

    def steady():
        rss = coordinator.rss_kib()
        if rss > state["rss"] + 64:
            state.update(rss=rss, since=time.monotonic())
        return time.monotonic() - state["since"] > 0.5
    until(steady, "the memory settles", 20, every=0.05)
    return coordinator.rss_kib()


def small_buffered(port):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", port))
    return connection


@pytest.mark.timing
@pytest.mark.slow
def test_a_slow_reader(g, nginx):
    block = bytes(range(256)) * 4096
    with open(nginx.folder / "www/big", "wb") as out:
        for number in range(BODY_BYTES // len(block)):
            out.write(number.to_bytes(4, "big") + block[4:])
    expected = hashlib.sha256((nginx.folder / "www/big").read_bytes()).hexdigest()
    coordinator = g.coordinator(nginx)
    before = coordinator.rss_kib()
    with small_buffered(coordinator.port) as connection:
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        grown = settle(coordinator) - before
        assert grown < GROWTH_KIB_MAX, f"{grown} KiB held for a reader that does not read"
        head, rest = read_head(connection)
        digest = hashlib.sha256(rest)
        while more := connection.recv(1 << 20):
            digest.update(more)
    assert b"200 OK" in head and digest.hexdigest() == expected
    record, = await_records(coordinator.log, 1)
    assert (record["end"], record["body_out"]) == ("ok", BODY_BYTES)


@pytest.mark.timing
@pytest.mark.slow
def test_a_server_that_does_not_read(g):
    read_on = threading.Event()
    got = []

    def handle(connection, _):
        _, rest = read_head(connection)
        read_on.wait(60)
        count = len(rest)
        while count < BODY_BYTES:
            more = connection.recv(1 << 20)
            if not more:
                return
            count += len(more)
        got.append(count)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with RawServer(handle, receive_buffer=16 << 10) as server:
        coordinator = g.coordinator(server)
        before = coordinator.rss_kib()
        with socket.create_connection(("127.0.0.1", coordinator.port), 60) as connection:
            head = f"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {BODY_BYTES}\r\n\r\n".encode()

            def send():
                connection.sendall(head)
                for _ in range(BODY_BYTES >> 20):
                    connection.sendall(b"x" * (1 << 20))
            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            grown = settle(coordinator) - before
            read_on.set()
            assert grown < GROWTH_KIB_MAX, f"{grown} KiB held for a server that does not read"
            sender.join(60)
            assert b"204" in connection.recv(65536)
        assert got == [BODY_BYTES]


@pytest.mark.timing
@pytest.mark.slow
def test_a_slow_reader_of_a_flow(g):
    def handle(connection, _):
        for _ in range(BODY_BYTES >> 20):
            connection.sendall(b"y" * (1 << 20))

    with RawServer(handle) as server:
        coordinator = g.coordinator(server, listen=["tcp://127.0.0.1:0"])
        before = coordinator.rss_kib()
        with small_buffered(coordinator.port) as connection:
            grown = settle(coordinator) - before
            assert grown < GROWTH_KIB_MAX, f"{grown} KiB held for a reader that does not read"
            count = 0
            while more := connection.recv(1 << 20):
                count += len(more)
        assert count == BODY_BYTES
