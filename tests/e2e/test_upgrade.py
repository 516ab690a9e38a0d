"""Upgrades and CONNECT: a WebSocket library at both ends, and programs that only move bytes."""
import asyncio
import hashlib
import socket
import subprocess
import threading

import pytest
from harness import SLOW, await_records, curl
from peers import RawServer, read_head, until

websockets = pytest.importorskip("websockets")

SIZE = 8_000_000


def bound_socket():
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


def run(work, seconds=30):
    return asyncio.run(asyncio.wait_for(work, seconds * SLOW))


class Address:
    def __init__(self, listening):
        self.address = "127.0.0.1:%d" % listening.getsockname()[1]


def test_websocket_messages_both_ways(g):
    listening = bound_socket()
    coordinator = g.coordinator(Address(listening))

    async def echo(connection, _=None):
        async for message in connection:
            await connection.send(message)

    async def client(number):
        async with websockets.connect(f"ws://{coordinator.address}/c{number}", max_size=None,
                                      compression=None) as to:
            for size in (0, 1, 125, 126, 65535, 65536, 1_000_000):
                message = bytes([number]) * size
                await to.send(message)
                assert await to.recv() == message
            await to.ping()

    async def work():
        async with websockets.serve(echo, sock=listening, max_size=None):
            await asyncio.gather(*[client(number) for number in range(8)])

    run(work())
    for record in await_records(coordinator.log, 8):
        assert (record["end"], record["status"], record["upgrade"]) == ("ok", 101, "websocket")
        assert record["body_in"] > 1_000_000 and record["body_out"] > 1_000_000


def test_a_slow_reader_slows_a_websocket(g):
    """Nothing is lost, nothing piles up in the coordinator."""
    listening = bound_socket()
    coordinator = g.coordinator(Address(listening), threads=1)
    messages = [bytes([i]) * 100_000 for i in range(SIZE // 100_000)]
    seen = []

    async def pour(connection, _=None):
        for message in messages:
            await connection.send(message)
        async for message in connection:
            seen.append(message)

    async def work():
        async with websockets.serve(pour, sock=listening, max_queue=1):
            async with websockets.connect(f"ws://{coordinator.address}/", max_queue=1,
                                          compression=None) as to:
                for message in messages:
                    assert await to.recv() == message
                    await asyncio.sleep(0.002)  # the slow reader
                for message in messages:
                    await to.send(message)
            await asyncio.sleep(0)

    before = coordinator.rss_kib()
    run(work())
    assert seen == messages
    assert coordinator.rss_kib() - before < 8_000 * SLOW
    [record] = await_records(coordinator.log, 1)
    assert record["end"] == "ok" and min(record["body_in"], record["body_out"]) >= SIZE


def test_a_paused_reader_stops_the_writer(g):
    """Raw bytes behind a 101: the writer is held up by the reader's kernel, then all comes."""
    # More than the kernel takes on the way: two buffers of 32 MiB and two of 4 MiB at most.
    data = hashlib.sha256(b"x").digest() * (10 * SIZE // 32)
    written = []

    def handle(connection, _):
        head, _ = read_head(connection)
        if not head:
            return
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
                           b"Upgrade: raw\r\n\r\n")
        for at in range(0, len(data), 50_000):
            connection.sendall(data[at:at + 50_000])
            written.append(at)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        with socket.create_connection(("127.0.0.1", coordinator.port), 20 * SLOW) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: raw\r\n"
                           b"\r\n")
            head, rest = read_head(client)
            rest = bytearray(rest)
            assert head.startswith(b"HTTP/1.1 101 ")
            seen = [-1]

            def stopped():
                seen.append(len(written))
                return len(seen) > 25 and seen[-1] == seen[-25]
            until(stopped, "the writer to be held up", 10 * SLOW)
            assert len(written) * 50_000 < len(data)
            while len(rest) < len(data):
                piece = client.recv(1 << 20)
                assert piece, len(rest)
                rest += piece
            assert rest == data
            assert client.recv(1) == b""
    [record] = await_records(coordinator.log, 1)
    assert (record["end"], record["body_out"]) == ("ok", len(data))


def test_socat_behind_connect(g, tmp_path):
    """CONNECT, where allowed, to a server that is a proxy itself; then socat echoes."""
    echo = bound_socket()
    port = echo.getsockname()[1]
    echo.close()
    socat = subprocess.Popen(["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork",
                              "EXEC:cat"], stdin=subprocess.DEVNULL)

    def handle(connection, _):
        head, _ = read_head(connection)
        if not head.startswith(b"CONNECT "):
            return
        with socket.create_connection(("127.0.0.1", port), 10) as to:
            connection.sendall(b"HTTP/1.1 200 Yes\r\n\r\n")
            thread = threading.Thread(target=pump, args=(to, connection))
            thread.start()
            pump(connection, to)
            thread.join()

    def pump(source, to):
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)

    try:
        until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), "socat listens", 10)
        with RawServer(handle) as server:
            coordinator = g.configured(f"""\
[[listener]]
address = "http://127.0.0.1:0"
pool = "app"
connect = true
[[pool]]
name = "app"
servers = "{server.address}"
""")
            # It is a proxy to nc, as ssh would use it.
            sent = b"0123456789" * 30_000
            done = subprocess.run(["socat", "-t", "10", "-",
                                   f"PROXY:127.0.0.1:inside:5432,proxyport={coordinator.port}"],
                                  input=sent, capture_output=True, timeout=20 * SLOW)
            assert done.stdout == sent, done.stderr
            [record] = await_records(coordinator.log, 1)
            assert (record["method"], record["upgrade"], record["end"]) == ("CONNECT", "CONNECT",
                                                                            "ok")
            assert record["target"] == "inside:5432"
    finally:
        socat.terminate()
        socat.wait()


def test_a_server_that_declines_answers(g, nginx):
    """nginx knows no upgrade: it answers as always, and the connection goes on."""
    coordinator = g.coordinator(nginx)
    url = coordinator.url("/any")
    done = curl("-v", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", url, url)
    assert done.stdout == b"GET\nGET\n"
    assert b"Re-using existing connection" in done.stderr
    assert all("upgrade" not in r for r in await_records(coordinator.log, 2))


def test_an_upgrade_with_a_body_as_docker_exec_asks(g):
    """The body says what to run; behind it the connection is that program's terminal."""
    body = b'{"Detach":false,"Tty":true}'

    def daemon(connection, _):
        head, rest = read_head(connection)
        assert b"\r\nUpgrade: tcp\r\n" in head
        while len(rest) < len(body):
            rest += connection.recv(1000)
        assert rest == body
        connection.sendall(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n"
                           b"Upgrade: tcp\r\n\r\n$ ")
        while data := connection.recv(1000):
            connection.sendall(data.upper())

    with RawServer(daemon) as server:
        coordinator = g.coordinator(server)
        with socket.create_connection(("127.0.0.1", coordinator.port), 10 * SLOW) as client:
            client.sendall(b"POST /exec/1/start HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\n"
                           b"Upgrade: tcp\r\nContent-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(body))
            client.sendall(body)
            answer, rest = read_head(client)
            assert answer.startswith(b"HTTP/1.1 101 ") and b"Upgrade: tcp" in answer
            while not rest.endswith(b"$ "):
                rest += client.recv(100)
            client.sendall(b"ls")
            got = b""
            while got != b"LS":
                got += client.recv(100)
        record, = await_records(coordinator.log, 1)
    assert (record["end"], record["status"], record["upgrade"]) == ("ok", 101, "tcp")
    assert (record["body_in"], record["body_out"]) == (len(body) + 2, 4)
