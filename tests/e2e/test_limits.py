"""Many connections, and more of them than there are descriptors."""
import contextlib
import resource
import socket
import time

import pytest
from harness import SLOW, await_records, counts, curl, status_of
from peers import until

CONNECTIONS = 4000


def ask(connection):
    connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    answer = b""
    while not answer.endswith(b"s1\n"):
        piece = connection.recv(4096)
        assert piece, answer
        answer += piece


@pytest.mark.timing
def test_an_idle_connection_costs_at_most_1_kib(g):
    """Each has carried a request, so that everything it may keep is there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CONNECTIONS + 200:
        pytest.skip(f"at most {hard} descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    coordinator = g.coordinator(g.server("s1"), threads=1, log=False)
    held = []
    try:
        def more(count):
            for _ in range(count):
                held.append(socket.create_connection(("127.0.0.1", coordinator.port)))
                ask(held[-1])
        more(200)  # what is made once
        before = coordinator.rss_kib()
        more(CONNECTIONS)
        each = (coordinator.rss_kib() - before) * 1024 / CONNECTIONS
    finally:
        for connection in held:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert each <= 1024, f"{each:.0f} bytes an idle connection"


def test_out_of_descriptors(g):
    """Accepting pauses with one message and no spin; who was accepted is served all the while."""
    server = g.server("s1")
    coordinator = g.coordinator(server, threads=1, log=False)
    resource.prlimit(coordinator.pid, resource.RLIMIT_NOFILE, (40, 40))
    held = [socket.create_connection(("127.0.0.1", coordinator.port)) for _ in range(80)]
    try:
        until(lambda: "accepting pauses" in coordinator.err, "the message", 10 * SLOW)
        before = cpu_ticks(coordinator.pid)
        time.sleep(1)  # a measure, not a wait: CPU used in a second of being full
        assert cpu_ticks(coordinator.pid) - before < 30 * SLOW, "it spins"
        for connection in held[:40]:
            connection.close()
        for connection in held[40:]:
            connection.settimeout(10 * SLOW)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        answers = [connection.recv(4096) for connection in held[40:60]]
        assert all(a.startswith(b"HTTP/1.1 ") for a in answers), answers
        assert sum(a.startswith(b"HTTP/1.1 200") for a in answers) > 0
    finally:
        for connection in held:
            connection.close()
    assert coordinator.err.count("accepting pauses") <= 2, coordinator.err


def cpu_ticks(pid):
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


# --- limits of a configuration ---

def limited(g, server, limits="", listener=""):
    return g.configured(f"""\
threads = 2
[limits]
{limits}
[[listener]]
address = "http://127.0.0.1:0"
pool = "app"
{listener}
[[pool]]
name = "app"
servers = "{server.address}"
""")


def answer_of(connection):
    """What comes up to the end; None where it is reset before anything did."""
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        return data or None
    return data


GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.mark.parametrize("where", ["in all", "of a listener"])
def test_connections_max(g, where):
    """Above it a few are told, more are reset, and who was there first goes on."""
    limit = "connections_max = 8"
    coordinator = limited(g, g.server("s1"), limits=limit if where == "in all" else "",
                          listener=limit if where != "in all" else "")
    held = []

    def connect():
        held.append(socket.create_connection(("127.0.0.1", coordinator.port), 20 * SLOW))
        return held[-1]
    try:
        for _ in range(8):
            ask(connect())
        for _ in range(4):
            above = connect()
            above.sendall(GET)
            answer = answer_of(above)
            assert status_of(answer) == 503 and b'details="connections"' in answer
            assert b"\r\nConnection: close\r\n" in answer
        # Those that say nothing hold their places up to 8/8 + 16 above the limit.
        with pytest.raises(ConnectionResetError):  # in connect() already, or behind it
            for _ in range(30):
                connect()
            held[-1].recv(1)
        for connection in held[:8]:
            ask(connection)
    finally:
        for connection in held:
            connection.close()

    def served():
        with socket.create_connection(("127.0.0.1", coordinator.port), 20 * SLOW) as connection:
            connection.sendall(GET)
            with contextlib.suppress(ConnectionResetError):
                return connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    until(served, "a place", 10 * SLOW)
    assert coordinator.err.count("connections") >= 1, coordinator.err


def test_request_rate_max(g):
    coordinator = limited(g, g.server("s1"), 'request_rate_max = "2/1s"\nrequest_burst = 5')
    url = coordinator.url()
    codes = curl("-o", "/dev/null", "-w", "%{http_code} ", *[url] * 10).stdout.split()
    # curl takes -o once: the other bodies are in between.
    codes = [code for code in codes if code in (b"200", b"429")]
    assert codes.count(b"429") >= 3 and codes[:5] == [b"200"] * 5, codes
    refused = curl("-i", url).stdout
    assert status_of(refused) == 429 and b"\r\nRetry-After: 1\r\n" in refused
    other = curl("--interface", "127.0.0.2", "-i", url).stdout
    assert status_of(other) == 200  # each client has its own
    ends = counts(await_records(coordinator.log, 12), "end")
    assert set(ends) == {"ok", "rate-limited"}


def test_a_body_that_drips_is_given_up(g):
    """A slow loris: each byte in time for body_timeout, all of them too slow."""
    coordinator = limited(g, g.server("s1"), 'body_rate_min = "1KiB"\nbody_rate_grace = "500ms"')
    with socket.create_connection(("127.0.0.1", coordinator.port), 20 * SLOW) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
        connection.setblocking(False)
        began = time.monotonic()

        def given_up():
            with contextlib.suppress(BlockingIOError):
                return connection.recv(4096)
            connection.sendall(b"x")
            return None
        answer = until(given_up, "an answer", 10 * SLOW, every=0.05)
        assert status_of(answer) == 408 and b"body-too-slow" in answer, answer
        assert 0.4 < time.monotonic() - began < 5 * SLOW
    [record] = await_records(coordinator.log, 1)
    assert (record["end"], record["by"], record["phase"]) == ("client-timeout", "client", "send")
    # One that is fast enough is not in its way.
    assert curl("-d", "x" * 50_000, "--limit-rate", "20k", coordinator.url()).stdout == b"s1\n"


def test_requests_per_connection_max(g):
    coordinator = limited(g, g.server("s1"), "requests_per_connection_max = 3")
    done = curl("-v", *[coordinator.url()] * 7)
    assert done.stdout == b"s1\n" * 7
    assert done.stderr.count(b"Closing connection") == 2
    assert counts(await_records(coordinator.log, 7), "seq") == {1: 3, 2: 2, 3: 2}
