"""Many connections, and more of them than there are descriptors."""
import resource
import socket
import time

import pytest
from harness import SLOW
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
