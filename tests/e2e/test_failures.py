"""Servers and coordinators that go away under load, and what nobody may lose then."""
import json
import os
import re
import socket
import time

import pytest
from harness import (SLOW, TERM, USR1, await_records, counts, curl, exchange, records, status_of,
                     wall_s)
from peers import RawServer, free_port, read_head, until


def lines_in(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def served_since(coordinator, address, wall):
    """Exchanges on that server that began after `wall` and ended well."""
    return [r for r in parse_whole_lines(coordinator.log)
            if r.get("server") == address and r["end"] == "ok" and wall_s(r) > wall]


def parse_whole_lines(path):
    data = path.read_bytes()
    return [json.loads(line) for line in data[:data.rfind(b"\n") + 1].splitlines()]


@pytest.mark.slow
def test_a_server_killed_under_load_and_restarted(g):
    connections = 16
    ports = [free_port() for _ in range(3)]
    servers = [g.server(f"s{i}", "--delay", "2ms", listen=[f"http://127.0.0.1:{port}"])
               for i, port in enumerate(ports, 1)]
    coordinator = g.coordinator(*servers, threads=2)
    client = g.client(coordinator.url(), "-d", f"{5 * SLOW}s", "-c", connections)
    victim = servers[1]
    until(lambda: lines_in(coordinator.log) > 300, "load", 20 * SLOW)
    killed_at = time.time()
    victim.kill()
    down_from = time.time()
    # Its turns go to others while it is away.
    before = lines_in(coordinator.log)
    until(lambda: lines_in(coordinator.log) > before + 300, "exchanges while it is down", 20 * SLOW)
    assert not served_since(coordinator, victim.address, down_from)
    restarted = g.server("s2again", listen=[f"http://127.0.0.1:{ports[1]}"])
    until(lambda: lines_in(restarted.log) >= 10, "the server is used again", 20 * SLOW)
    client.wait(30)
    assert coordinator.stop() == 0
    sent, found = records(client.log), records(coordinator.log)
    assert sorted(r["id"] for r in sent) == list(range(1, len(sent) + 1))
    # Every request has its record, and the same outcome on both tiers.
    by_parent = {r["parent"]: r for r in found}
    assert len(by_parent) == len(found)
    unaccounted = [r for r in sent if r["span"] not in by_parent]
    assert not unaccounted, unaccounted[:3]
    assert len(found) == len(sent)
    failed = [r for r in sent if r["end"] != "ok"]
    assert len(failed) <= connections, counts(failed, "end")
    for record in failed:
        cause = by_parent[record["span"]]
        assert cause["server"] == victim.address, cause
        assert cause["by"] == "server", cause
        assert wall_s(cause) < killed_at + 1 * SLOW, cause
    # The others were never thought to be down.
    assert not [r for r in found if r["end"] == "no-server"]


def test_a_refused_connection_is_tried_elsewhere(g):
    """One of two servers never was there: no request fails of it, and the record tells."""
    nobody = f"127.0.0.1:{free_port()}"
    server = g.server("s1")
    coordinator = g.coordinator(nobody, server)
    client = g.run_client(coordinator.url(), "-n", "200", "-c", "4")
    assert counts(records(client.log), "end") == {"ok": 200}
    found = await_records(coordinator.log, 200)
    retried = [r for r in found if r.get("attempts", 0) > 1]
    assert retried
    assert re.search(rf"{nobody} connect-refused", retried[0]["tried"])
    # It is left alone after that, not tried by each request.
    assert len(retried) < 100


def test_a_kept_connection_that_the_server_closed_costs_no_request(g):
    """The server closes each connection after its answer without saying so before."""
    def handle(connection, _):
        while connection.recv(65536):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        client = g.run_client(coordinator.url(), "-n", "300", "-c", "3")
        assert counts(records(client.log), "end") == {"ok": 300}


@pytest.mark.slow
@pytest.mark.smoke
def test_term_under_load_drains_and_records_everything(g):
    servers = g.servers(2, "--delay", "20ms")
    coordinator = g.coordinator(*servers, threads=2)
    client = g.client(coordinator.url(), "-n", "100k", "-c", "20", "--timeout", "5s")
    until(lambda: lines_in(coordinator.log) > 200, "load", 20 * SLOW)
    coordinator.signal(TERM)
    assert coordinator.wait(20) == 0
    client.signal(TERM)
    client.wait(20)
    found = records(coordinator.log)
    assert counts(found, "end") == {"ok": len(found)}
    spans = {r["parent"] for r in found}
    answered = [r for r in records(client.log) if r["end"] == "ok"]
    assert len(answered) == len(found)
    assert all(r["span"] in spans for r in answered)
    for server in servers:
        server.stop()
    assert sum(len(records(s.log)) for s in servers) == len(found)


def test_term_waits_for_an_exchange_in_flight(g):
    coordinator = g.coordinator(g.server("s1"))
    with socket.create_connection(("127.0.0.1", coordinator.port), 10) as connection:
        connection.settimeout(20 * SLOW)
        connection.sendall(b"GET /?delay=1500ms HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.3)  # in flight: the answer takes 1.5 s
        coordinator.signal(TERM)
        refused_by = time.monotonic() + 10

        def refused():
            try:
                socket.create_connection(("127.0.0.1", coordinator.port), 1).close()
                return time.monotonic() > refused_by
            except OSError:
                return True
        until(refused, "no new connections", 12)
        answer = connection.recv(65536)
        assert status_of(answer) == 200
        assert b"connection: close" in answer.lower()
    assert coordinator.wait(20) == 0
    assert await_records(coordinator.log, 1)[0]["end"] == "ok"


def test_a_second_term_exits_now_and_still_records(g):
    coordinator = g.coordinator(g.server("s1", "--delay", "30s"))
    with socket.create_connection(("127.0.0.1", coordinator.port), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.3)
        coordinator.signal(TERM)
        time.sleep(0.3)
        assert coordinator.process.poll() is None
        coordinator.signal(TERM)
        coordinator.wait(5)
    record, = await_records(coordinator.log, 1)
    assert (record["end"], record["by"]) == ("shutdown", "coordinator")


@pytest.mark.slow
@pytest.mark.smoke
def test_logs_rotated_under_load_lose_no_line(g):
    servers = g.servers(2)
    coordinator = g.coordinator(*servers, threads=2)
    client = g.client(coordinator.url(), "-d", "3s", "-c", "8")
    turned = []
    for number in range(5):
        until(lambda: lines_in(coordinator.log) > 50, "lines in the new file", 20 * SLOW)
        moved = coordinator.log.with_suffix(f".log.{number}")
        os.rename(coordinator.log, moved)
        coordinator.signal(USR1)
        until(coordinator.log.exists, "the log is opened anew", 10 * SLOW)
        turned.append(moved)
    assert client.wait(30) == 0
    assert coordinator.stop() == 0
    sent = records(client.log)
    found = records(*turned, coordinator.log)
    assert counts(sent, "end") == {"ok": len(sent)}
    assert sorted(r["parent"] for r in found) == sorted(r["span"] for r in sent)


def test_second_coordinator_on_the_same_port(g):
    server = g.server("s1")
    coordinator = g.coordinator(server)
    done = g.once("coordinator", "--listen", f"http://127.0.0.1:{coordinator.port}", "--server",
                  server.address)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert str(coordinator.port) in done.stderr and "--listen" in done.stderr
    assert curl(coordinator.url()).returncode == 0


@pytest.mark.smoke
def test_every_server_down(g):
    ports = [free_port(), free_port()]
    coordinator = g.coordinator(*[f"127.0.0.1:{p}" for p in ports],
                                listen=["http://127.0.0.1:0", "tcp://127.0.0.1:0"])
    for number in range(1, 6):
        done = curl("-i", coordinator.url())
        assert status_of(done.stdout) == 503
        await_records(coordinator.log, number)
    assert exchange(coordinator.ports[1], b"") == b""
    found = await_records(coordinator.log, 6)
    assert set(counts(found, "end")) <= {"no-server", "connect-refused"}
    assert [r["status"] for r in found if r["kind"] == "exchange"] == [503] * 5
    flow, = [r for r in found if r["kind"] == "flow"]
    assert "status" not in flow
    assert found[0]["end"] == "connect-refused" and found[0]["attempts"] == 2
    # And when one comes up, it is found.
    g.server("late", listen=[f"http://127.0.0.1:{ports[0]}"])
    until(lambda: curl("-i", coordinator.url()).stdout.startswith(b"HTTP/1.1 200"),
          "the server that came up is used", 20 * SLOW)


def test_a_client_that_goes_away_cancels_its_exchange(g):
    coordinator = g.coordinator(g.server("s1", "--delay", "20s"))
    with socket.create_connection(("127.0.0.1", coordinator.port), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        time.sleep(0.2)
        # A reset, not a half-close.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    record, = await_records(coordinator.log, 1, seconds=10)
    assert (record["end"], record["by"]) == ("client-closed", "client")


def test_a_client_that_half_closes_gets_its_answer_where_it_may_wait(g):
    coordinator = g.configured(f"""\
[[listener]]
address = "http://127.0.0.1:0"
pool = "app"
half_close = "wait"
[[pool]]
name = "app"
servers = "{g.server("s1", "--delay", "300ms").address}"
""")
    answer = exchange(coordinator.port, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", half_close=True)
    assert status_of(answer) == 200
    assert await_records(coordinator.log, 1)[0]["end"] == "ok"


def one_slot(g, server, scheme):
    """A coordinator of one thread that has one exchange or flow on the server at a time."""
    return g.configured(f"""\
threads = 1
[[listener]]
address = "{scheme}://127.0.0.1:0"
pool = "app"
[[pool]]
name = "app"
servers = "{server.address}"
in_flight_max = 1
queue_timeout = "5m"
""")


def test_clients_that_give_up_cost_the_next_one_nothing(g):
    """Five leave the queue of a server that takes one at a time (as `curl -m` does), then who is
    being served does: none of theirs is executed, and their records say what was."""
    asked = []

    def handle(connection, _):
        while True:
            head, _ = read_head(connection)
            if not head:
                return
            asked.append(head.split()[1])
            if asked[-1] == b"/next":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def ask(target):
        connection = socket.create_connection(("127.0.0.1", coordinator.port), 20 * SLOW)
        connection.settimeout(20 * SLOW)
        connection.sendall(b"GET %s HTTP/1.1\r\nHost: h\r\n\r\n" % target)
        return connection

    with RawServer(handle) as server:
        coordinator = one_slot(g, server, "http")
        first = ask(b"/first")
        until(lambda: asked == [b"/first"], "the first to be served", 10 * SLOW)
        left = [ask(b"/left") for _ in range(5)]
        with ask(b"/next") as after:
            for connection in left:
                connection.close()
            found = await_records(coordinator.log, 5)
            assert {(r["target"], r["end"], r["by"], r["phase"], r["attempts"], r.get("status"))
                    for r in found} == {("/left", "client-closed", "client", "queue", 0, None)}
            first.close()  # its attempt is cancelled, and its turn is free at once
            assert status_of(after.recv(65536)) == 200
        assert asked == [b"/first", b"/next"]
        assert {(r["target"], r["end"], r.get("phase"), r.get("status"))
                for r in await_records(coordinator.log, 7)[5:]} == {
            ("/first", "client-closed", "wait", None), ("/next", "ok", None, 200)}


@pytest.mark.parametrize("body", [b"ZZ\r\n", b"5\r\nhello!!", b"0\r\nA : b\r\n\r\n"])
def test_an_answer_that_breaks_before_it_was_passed_on_is_a_502(g, body):
    """Head and broken body in one segment: the status in the record is the one that was sent."""
    def handle(connection, _):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        connection.recv(1)

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        answer = exchange(coordinator.port, b"GET / HTTP/1.0\r\n\r\n")
        assert status_of(answer) == 502
        record, = await_records(coordinator.log, 1)
        assert (record["status"], record["end"], record["down_out"]) == (502, "bad-response",
                                                                         len(answer))


def test_a_server_that_resets_fresh_connections_costs_no_get(g):
    """Nothing of an answer has come: another server is asked, for requests that may be repeated."""
    def handle(connection, _):
        read_head(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with RawServer(handle) as server:
        coordinator = g.coordinator(server, g.server("s1"))
        client = g.run_client(coordinator.url(), "-n", "50", "-c", "2")
        assert counts(records(client.log), "status") == {200: 50}
        found = await_records(coordinator.log, 50)
        assert {r["tried"] for r in found if r["attempts"] > 1} == {
            f"{server.address} server-closed"}
        assert f"server {server.address} resets connections before its answer is whole: left " \
            "out for" in coordinator.err


def test_a_tcp_server_that_has_closed_is_free_for_others(g):
    """A slot is a connection to the server: what a client keeps open afterwards holds none."""
    def handle(connection, _):
        connection.sendall(b"served")

    with RawServer(handle) as server:
        coordinator = one_slot(g, server, "tcp")
        kept = []
        for _ in range(3):
            kept.append(socket.create_connection(("127.0.0.1", coordinator.port), 20 * SLOW))
            kept[-1].settimeout(20 * SLOW)
            assert kept[-1].recv(100) == b"served"
        for connection in kept:
            connection.close()
        assert counts(await_records(coordinator.log, 3), "end") == {"ok": 3}


def test_a_server_that_fails_on_purpose_is_told_apart(g):
    coordinator = g.coordinator(g.server("s1", "--fail", "10%:503", "--seed", "7"))
    client = g.run_client(coordinator.url(), "-n", "1000", "-c", "4")
    found = await_records(coordinator.log, 1000)
    answered = counts(found, "status")
    assert set(answered) == {200, 503} and 50 < answered[503] < 150
    assert counts(records(client.log), "status") == answered
