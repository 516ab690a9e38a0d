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


ONE_BYTE_CHUNK = b"1\r\nx\r\n"
EVENT = b"16\r\ndata: 0123456789ab\r\n\r\n\r\n"
POST_CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWER_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def say_until_full(connection, block, bytes_max):
    """Says it again and again until the other side has taken nothing for half a second."""
    connection.settimeout(0.5)
    said = 0
    try:
        while said < bytes_max:
            said += connection.send(block)
    except TimeoutError:
        pass
    return said


@pytest.mark.timing
@pytest.mark.slow
def test_chunks_of_one_byte_to_a_server_that_does_not_read(g):
    done = threading.Event()

    def handle(connection, _):
        connection.recv(1)
        done.wait(60)

    with RawServer(handle, receive_buffer=16 << 10) as server:
        coordinator = g.coordinator(server)
        before = coordinator.rss_kib()
        connections = []
        for _ in range(12):
            connections.append(socket.create_connection(("127.0.0.1", coordinator.port), 60))
            connections[-1].sendall(POST_CHUNKED)
        senders = [threading.Thread(target=say_until_full, daemon=True,
                                    args=(one, ONE_BYTE_CHUNK * 10000, 12 << 20))
                   for one in connections]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(60)
        grown = coordinator.rss_kib() - before
        print(f"{grown} KiB for twelve of them")
        done.set()
        for one in connections:
            one.close()
        assert grown < 12 * 512, f"{grown} KiB held for a server that does not read"


@pytest.mark.timing
@pytest.mark.slow
def test_events_for_clients_that_do_not_read(g):
    clients = 50

    def handle(connection, _):
        read_head(connection)
        connection.sendall(ANSWER_CHUNKED)
        say_until_full(connection, EVENT * 500, 16 << 20)

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        before = coordinator.rss_kib()
        connections = [small_buffered(coordinator.port) for _ in range(clients)]
        for one in connections:
            one.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        grown = settle(coordinator) - before
        print(f"{grown} KiB for {clients} of them")
        for one in connections:
            one.close()
        assert grown < clients * 256, f"{grown} KiB held for {clients} that do not read"


def test_a_chunk_is_passed_on_whole_and_at_once(g):
    """Whoever waits for the end of a chunk does not wait for the next one."""
    upstream = []
    done = threading.Event()

    def handle(connection, _):
        read_head(connection)
        upstream.append(connection)
        done.wait(60)

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        with socket.create_connection(("127.0.0.1", coordinator.port), 20) as client:
            client.sendall(POST_CHUNKED)
            until(lambda: upstream, "the request's head")
            server_side, = upstream
            server_side.settimeout(20)
            client.sendall(b"5\r\nhello\r\n")
            assert read_exactly(server_side, 10) == b"5\r\nhello\r\n"
            server_side.sendall(ANSWER_CHUNKED)
            read_head(client)
            for _ in range(3):
                server_side.sendall(EVENT)
                assert read_exactly(client, len(EVENT)) == EVENT
            server_side.sendall(b"0\r\n\r\n")
            assert read_exactly(client, 5) == b"0\r\n\r\n"
        done.set()


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        assert more, data
        data += more
    return data
