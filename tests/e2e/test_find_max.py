"""giliran client --find-max: the highest rate that holds, and which tier limits it."""
import json

import pytest

pytestmark = [pytest.mark.timing, pytest.mark.slow]

TIMED = """
[[listener]]
address = "http://127.0.0.1:0"
pool = "app"
server_timing = true

[[pool]]
name = "app"
servers = ["{address}"]
"""


def search(g, url, condition, *extra, step="400ms"):
    path = g.folder / "found.json"
    done = g.once("client", url, "--find-max", condition, "--step-duration", step, "--json", path,
                  "--seed", "5", *extra, seconds=90)
    return done, json.loads(path.read_text()) if path.exists() else None


def skip_where_the_client_was_the_limit(done, found):
    """On a machine that has no time for the client it must say so, and name no other tier."""
    if found["client_limit"]:
        assert found["limit"]["tier"] == "client"
        assert "limited by the client itself" in done.stdout
        pytest.skip(f"too busy a machine: {found['failed']}")


def test_the_limit_of_a_blocking_server(g):
    """4 threads that hold each request for 5 ms: 800 a second and no more."""
    server = g.server("s1", "--delay", "5ms", "--blocking", threads=4)
    coordinator = g.configured(TIMED.format(address=server.address))
    done, found = search(g, coordinator.url(), "p99<60ms,errors<1%", "--start-rate", "300")
    assert found["format"] == "giliran-find-max/1"
    skip_where_the_client_was_the_limit(done, found)
    assert done.returncode == 0, done.stderr
    # The ends were tried three times, the gap is a twentieth; a busy machine serves fewer, and a
    # short step is over before a small excess has become a long queue.
    assert found["settled"], done.stdout
    assert 0 < found["fails"] - found["holds"] <= 0.06 * found["holds"]
    assert 450 <= found["holds"] <= 960, done.stdout
    assert found["limit"]["tier"] == "server", done.stdout
    assert "queue grew" in found["limit"]["text"]
    parts = {(p["tier"], p["what"]) for p in found["parts"]}
    assert {("coordinator", "queue"), ("server", "queue"), ("server", "service")} <= parts
    tries = [step["rate"] for step in found["steps"]]
    assert all(tries.count(rate) >= 2 for rate in tries), tries
    assert "limited by the server: queue grew" in done.stdout


def test_the_coordinators_log_tells_what_answers_do_not(g):
    """A slot for one request at a time: they wait in the coordinator's queue; no answer says so."""
    server = g.server("s1", "--delay", "5ms")
    coordinator = g.configured(TIMED.format(address=server.address).replace(
        "server_timing = true\n", "").replace("servers = [", "in_flight_max = 1\nservers = ["))
    done, found = search(g, coordinator.url(), "p99<60ms", "--start-rate", "120",
                         "--coordinator-log", coordinator.log, step="250ms")
    skip_where_the_client_was_the_limit(done, found)
    assert done.returncode == 0, done.stderr
    assert 60 <= found["holds"] <= 260, done.stdout
    assert found["limit"]["tier"] == "coordinator", done.stdout


def test_what_does_not_go_together(g):
    for flags, what in [(("-R", "100"), "leave out -R"), (("-n", "10"), "leave out -n"),
                        (("--stages", "1s:10"), "leave out --stages"),
                        (("--log", "x.log"), "takes no --log")]:
        done = g.once("client", "http://127.0.0.1:1/", "--find-max", "p99<1s", *flags)
        assert done.returncode == 2
        assert what in done.stderr


def test_nobody_there_holds_nothing(g):
    done, found = search(g, "http://127.0.0.1:1/", "errors<1%", "--start-rate", "4", step="150ms")
    assert done.returncode == 3, done.stderr
    assert found["holds"] == 0
    assert "no rate held" in done.stdout
