"""The queue in front of servers that take one request at a time; servers that die under load."""
import socket

import pytest
from harness import SLOW, await_records, counts, records, status_of
from peers import until


def in_front_of(g, *servers, more="", threads=2):
    addresses = ", ".join(f'"{server.address}"' for server in servers)
    return g.configured(f"""\
threads = {threads}
[[listener]]
address = "http://127.0.0.1:0"
pool = "app"
[[pool]]
name = "app"
servers = [{addresses}]
{more}
""")


def test_all_that_wait_are_answered(g):
    servers = g.servers(2, "--delay", "2ms")
    coordinator = in_front_of(g, *servers, more="in_flight_max = 1")
    client = g.run_client(coordinator.url(), "-c", 40, "-n", 2000)
    found = await_records(coordinator.log, 2000)
    assert counts(found, "end") == {"ok": 2000}
    assert counts(found, "status") == {200: 2000}
    assert counts(records(client.log), "end") == {"ok": 2000}
    assert max(r["queue_us"] for r in found) > 2000
    g.stop()
    for server in servers:
        spans = sorted((r["ts"], r["total_us"]) for r in records(server.log))
        assert len(spans) > 500
    assert sum(len(records(server.log)) for server in servers) == 2000


def test_first_come_first_served(g):
    server = g.server("s1", "--delay", "20ms")
    coordinator = in_front_of(g, server, more="in_flight_max = 1", threads=1)
    connections = [socket.create_connection(("127.0.0.1", coordinator.port), 20 * SLOW)
                   for _ in range(20)]
    targets = [f"/{number}" for number in range(20)]
    for connection, target in zip(connections, targets):
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    for connection in connections:
        assert status_of(connection.recv(4096)) == 200
        connection.close()
    await_records(coordinator.log, 20)
    g.stop()
    assert [r["target"] for r in records(server.log)] == targets


def test_a_full_queue_answers_at_once(g):
    server = g.server("s1", "--delay", "300ms")
    coordinator = in_front_of(g, server, more="in_flight_max = 1\nqueue_max = 3")
    g.run_client(coordinator.url(), "-c", 20, "-n", 20)
    found = await_records(coordinator.log, 20)
    ends = counts(found, "end")
    assert set(ends) == {"ok", "queue-full"} and ends["ok"] >= 4
    for record in found:
        if record["end"] == "queue-full":
            assert (record["status"], record["by"], record["phase"]) == (503, "coordinator",
                                                                         "queue")
            assert record["total_us"] < 250_000 * SLOW


@pytest.mark.parametrize("limit", ["", "in_flight_max = 4"])
def test_a_server_that_dies_under_load_costs_no_request(g, limit):
    servers = g.servers(3, "--delay", "1ms")
    coordinator = in_front_of(g, *servers, more=f"retry_statuses = [502, 503, 504]\n{limit}")
    client = g.client(coordinator.url(), "-c", 16, "-n", 6000)
    until(lambda: coordinator.log.exists() and coordinator.log.stat().st_size > 300_000,
          "the load to be on", 20 * SLOW)
    servers[0].kill()
    assert client.wait(60) == 0
    assert counts(records(client.log), "status") == {200: 6000}
    found = await_records(coordinator.log, 6000)
    assert counts(found, "end") == {"ok": 6000}
    assert any(r["attempts"] > 1 for r in found), "it died before or after the load"
    assert "is down" in coordinator.err or "left out" in coordinator.err, coordinator.err


def test_post_is_not_sent_twice(g):
    """Where a server dies, those in flight fail, and each is executed once at most."""
    servers = g.servers(2, "--delay", "5ms")
    coordinator = in_front_of(g, *servers, more="retry_statuses = [502, 503, 504]")
    client = g.client(coordinator.url(), "-c", 16, "-n", 3000, "--body", "x")
    until(lambda: coordinator.log.exists() and coordinator.log.stat().st_size > 200_000,
          "the load to be on", 20 * SLOW)
    servers[0].kill()
    client.wait(60)
    found = await_records(coordinator.log, 3000)
    ends = counts(found, "end")
    assert ends["ok"] >= 3000 - 16 and set(ends) <= {"ok", "server-closed"}, ends
    for record in found:
        if record["end"] != "ok":
            assert (record["status"], record["by"], record["server"]) == (502, "server",
                                                                          servers[0].address)


def test_retries_stay_in_their_budget(g):
    """Every server refuses: no more than the budget is asked again."""
    servers = g.servers(2, "--fail", "100%:503")
    coordinator = in_front_of(g, *servers, more="retry_statuses = 503\nretry_budget = \"10%\"\n"
                                                "retry_budget_floor = 0")
    client = g.client(coordinator.url(), "-c", 8, "-n", 1000)
    client.wait(60)
    found = await_records(coordinator.log, 1000)
    assert counts(found, "status") == {503: 1000}
    more = sum(r["attempts"] - 1 for r in found)
    assert 50 <= more <= 100
