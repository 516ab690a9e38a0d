"""Whose turn it was: equal and weighted counts with real load generators as clients."""
import re
import subprocess

import pytest
from harness import SLOW, await_records, counts, records


def ab(coordinator, requests, *extra):
    done = subprocess.run(["ab", "-q", "-n", str(requests), *extra, coordinator.url()],
                          capture_output=True, text=True, timeout=120 * SLOW)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"Complete requests:\s+{requests}\b", done.stdout), done.stdout
    assert re.search(r"Failed requests:\s+0\b", done.stdout), done.stdout
    return done.stdout


@pytest.mark.smoke
def test_ab_is_counted_exactly_and_every_server_has_its_turns(g):
    servers = g.servers(3)
    coordinator = g.coordinator(*servers, threads=2)
    ab(coordinator, 3000, "-c", "8", "-k")
    found = await_records(coordinator.log, 3000)
    assert counts(found, "end") == {"ok": 3000}
    assert counts(found, "server") == {s.address: 1000 for s in servers}
    for server in servers:
        assert len(await_records(server.log, 1000)) == 1000


def test_turns_are_fair_whatever_the_count(g):
    """A count that does not divide: no server is more than one turn ahead."""
    servers = g.servers(3)
    coordinator = g.coordinator(*servers, threads=2)
    ab(coordinator, 1000, "-c", "7")
    found = await_records(coordinator.log, 1000)
    assert sorted(counts(found, "server").values()) == [333, 333, 334]


def test_weights_one_to_two(g):
    light, heavy = g.servers(2)
    coordinator = g.coordinator((light, 1), (heavy, 2), threads=2)
    ab(coordinator, 3001, "-c", "8", "-k")
    found = counts(await_records(coordinator.log, 3001), "server")
    assert abs(found[light.address] - 3001 / 3) <= 1
    assert abs(found[heavy.address] - 2 * 3001 / 3) <= 1


def test_wrk_is_counted(g):
    """wrk ends with requests in flight, at most one a connection: it counts them as never sent."""
    servers = g.servers(2)
    coordinator = g.coordinator(*servers, threads=2)
    done = subprocess.run(["wrk", "-t", "2", "-c", "16", "-d", "2s", coordinator.url()],
                          capture_output=True, text=True, timeout=60 * SLOW)
    assert done.returncode == 0, done.stderr
    counted = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    assert counted > 100
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    assert coordinator.stop() == 0
    found = records(coordinator.log)
    ends = counts(found, "end")
    assert set(ends) <= {"ok", "client-closed"}
    assert counted <= len(found) <= counted + 16
    assert ends["client-closed"] <= 16
    turns = counts(found, "server")
    assert abs(turns[servers[0].address] - turns[servers[1].address]) <= 1


@pytest.mark.smoke
def test_our_client_is_counted(g):
    servers = g.servers(4)
    coordinator = g.coordinator(*servers, threads=2)
    client = g.run_client(coordinator.url(), "-n", "4000", "-c", "10")
    sent = records(client.log)
    assert [r["id"] for r in sorted(sent, key=lambda r: r["id"])] == list(range(1, 4001))
    assert counts(sent, "end") == {"ok": 4000}
    found = await_records(coordinator.log, 4000)
    assert counts(found, "server") == {s.address: 1000 for s in servers}
    assert {(r["trace"], r["span"]) for r in sent} == {(r["trace"], r["parent"]) for r in found}
    assert counts(sent, "server") == {f"s{i}": 1000 for i in range(1, 5)}


def test_one_connection_takes_turns_too(g):
    """Turns belong to requests, not to connections."""
    servers = g.servers(3)
    coordinator = g.coordinator(*servers, threads=2)
    g.run_client(coordinator.url(), "-n", "9", "-c", "1")
    order = [r["server"] for r in sorted(await_records(coordinator.log, 9), key=lambda r: r["ts"])]
    assert order == order[:3] * 3 and len(set(order[:3])) == 3
