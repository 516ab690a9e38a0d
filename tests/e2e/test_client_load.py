"""The client as a generator of load: what is due, what is measured, and whether to believe it."""
import json
import re
import signal
import socket
import threading
import time

import pytest
from harness import await_records, until

UNITS_MS = {"ns": 1e-6, "µs": 1e-3, "ms": 1, "s": 1000}


def result(g, *args, seconds=60, status=0):
    path = g.folder / "result.json"
    done = g.once("client", *args, "--json", path, seconds=seconds)
    assert done.returncode == status, done.stderr + done.stdout
    return json.loads(path.read_text()), done.stdout


def plain_server(g, *extra):
    """Without a log."""
    args = ["server", "--name", "s1", "--listen", "http://127.0.0.1:0", *extra]
    return g._start("server", args, 1)


def unwrapped(text):
    return " ".join(text.split())


def row_ms(summary, name):
    """p50, p90, p99, p99.9, max, mean of a row of the summary."""
    line = re.search(rf"^ *{name} +(\d.*)$", summary, re.MULTILINE).group(1)
    return [float(n) * UNITS_MS[unit] for n, unit in re.findall(r"([\d.]+) ([nµm]?s)\b", line)]


@pytest.mark.slow
@pytest.mark.timing
def test_a_stall_is_in_the_response_time_and_the_summary_shows_it(g):
    """1.4 s without an answer under 2,000 requests a second: 14 % of all users waited."""
    server = g.server("s1")
    path = g.folder / "result.json"
    args = ["client", server.url(), "-R", "2k", "-d", "10s", "--json", path]
    client = g._start("client", args, 0)
    await_records(server.log, 3000, 30)
    server.signal(signal.SIGSTOP)
    time.sleep(1.4)  # the stall itself
    server.signal(signal.SIGCONT)
    assert client.wait(60) == 0, client.err
    found = json.loads(path.read_text())
    assert found["totals"]["failed"] == 0
    assert found["response_time"]["p99_us"] > 1_200_000
    assert found["service_time"]["p99_us"] < found["response_time"]["p99_us"] / 2
    response, service = row_ms(client.out, "response time"), row_ms(client.out, "service time")
    assert response[2] > 1200 > service[2], client.out
    assert client.out.index("response time") < client.out.index("service time"), client.out
    assert "JUDGE BY THE RESPONSE TIME" in unwrapped(client.out), client.out


@pytest.mark.slow
@pytest.mark.timing
def test_the_rate_is_what_was_asked_for(g):
    """What is due is exact by the schedule; that it is sent in time needs a machine with time."""
    server = plain_server(g, "--threads", "1")
    best = 0
    for _ in range(3):
        found, _ = result(g, server.url(), "-R", "20k", "-d", "3s", "-c", "200")
        totals = found["totals"]
        assert totals["issued"] == totals["answered"] + totals["failed"]
        assert found["totals"]["due"] == 60_000  # due
        best = max(best, totals["issued"] / 60_000)
        if best >= 0.995:
            break
    assert best >= 0.99


@pytest.mark.smoke
def test_a_rate_is_answers_over_the_time_in_which_they_came(g):
    """40 clients before a server that answers one in 20 ms: each waits 800 ms. Requests of the
    warm-up are answered after it, and those asked for after it are not answered by the end."""
    server = g.server("s1", "--delay", "20ms", "--blocking")
    found, out = result(g, server.url(), "-c", "40", "--warmup", "500ms", "-d", "1300ms")
    begin, end = 0.5, 0.5 + found["issuing_s"]
    came = [i["answered"] / i["for_s"] for i in found["intervals"]
            if i["t_s"] >= begin and i["t_s"] + i["for_s"] <= end + 0.01]
    assert len(came) >= 6
    assert found["rate"] == pytest.approx(sum(came) / len(came), rel=0.15)
    assert f"{found['rate']:.1f}/s" in out


@pytest.mark.smoke
def test_stages_ramp_and_jump_and_the_warmup_is_not_counted(g):
    server = g.server("s1")
    found, out = result(g, server.url(), "-R", "200", "--warmup", "500ms", "--stages",
                        "1s:400,500ms:=100,500ms:=0")
    totals = found["totals"]
    assert (totals["issued"], totals["answered"]) == (350, 350), out
    assert found["response_time"]["count"] == 350
    assert len(await_records(server.log, 450)) == 450


def test_a_closed_loop_warms_up_before_it_counts(g):
    server = g.server("s1")
    found, _ = result(g, server.url(), "-n", "500", "-c", "2", "--warmup", "200ms")
    assert found["totals"]["issued"] == found["totals"]["answered"] == 500
    assert found["service_time"]["count"] == 500
    assert len(await_records(server.log, 501)) > 500


def test_poisson_arrivals_are_those_of_the_seed(g):
    """Whatever the number of threads: the same requests are due at the same times."""
    server = plain_server(g)
    due = []
    for threads, seed in ((1, 7), (2, 7), (1, 8)):
        found, _ = result(g, server.url(), "-R", "500", "-d", "1s", "--arrivals", "poisson",
                          "--seed", seed, "-t", threads)
        due.append(found["totals"]["due"])
    assert due[0] == due[1]
    assert 350 < due[0] < 650
    assert due[2] != due[0]


def test_connections_are_opened_as_they_are_needed(g):
    server = plain_server(g)
    found, _ = result(g, server.url(), "-R", "20", "-d", "1s", "-t", "1")
    assert found["totals"]["issued"] == 20
    # Of 100 that may be; some more than one where the machine stood still for a moment.
    assert found["totals"]["connections"] <= 12


def test_too_few_connections_for_the_rate_make_it_client_limited(g):
    server = plain_server(g, "--delay", "20ms")
    args = [server.url(), "-R", "500", "-d", "1s", "-c", "1"]
    found, out = result(g, *args)
    assert found["totals"]["issued"] < 60
    assert "CLIENT-LIMITED" in out and "-c is too small" in unwrapped(out)
    assert found["verdict"]["valid"] is False
    result(g, *args, "--strict", status=3)
    quiet = g.once("client", *args, "--strict", "--quiet")
    assert quiet.returncode == 3
    assert "CLIENT-LIMITED" in quiet.stderr


def test_a_client_that_stood_still_says_so(g):
    """The generator's own lateness is a reason not to believe the result."""
    server = g.server("s1")
    client = g._start("client", ["client", server.url(), "-R", "500", "-d", "3s", "--strict"], 0)
    await_records(server.log, 200, 30)
    client.signal(signal.SIGSTOP)
    time.sleep(0.7)  # how long it stands still
    client.signal(signal.SIGCONT)
    assert client.wait(30) == 3, client.err + client.out
    assert "CLIENT-LIMITED" in client.out and "lag p99" in unwrapped(client.out)
    assert "1,500 answered" in client.out


def test_nobody_there_fails_and_what_was_not_sent_is_told(g):
    found, out = result(g, "http://127.0.0.1:1/", "-R", "500", "-d", "1200ms", "-c", "50", status=1)
    assert found["totals"]["due"] == 600
    assert found["totals"]["failed"] + found["totals"]["due"] - found["totals"]["issued"] == 600
    assert found["totals"]["failed"] > 540  # a failing server stops no clock
    assert "connect-refused" in out and "target: ALL FAILED, " in out
    assert found["verdict"]["text"] == "NOT JUDGED" and "CLIENT-LIMITED" not in out


def test_a_server_that_accepts_and_closes_stops_no_clock(g):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def hang_up():
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return
        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        found, out = result(g, url, "-R", "200", "-d", "1s", status=1)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    totals = found["totals"]
    assert totals["due"] == 200
    assert totals["issued"] == totals["failed"] >= 190, out
    assert "in use" not in unwrapped(out)


def test_connections_are_spread_over_the_addresses_of_a_name(g):
    first = g.server("one")
    second = g.server("two", listen=(f"http://127.0.0.2:{first.port}",))
    found, out = result(g, f"http://shop.example:{first.port}/", "-n", "400", "-c", "8", "--resolve",
                        f"shop.example:{first.port}:127.0.0.1,127.0.0.2")
    by_address = {a["address"]: a for a in found["addresses"]}
    assert set(by_address) == {f"127.0.0.1:{first.port}", f"127.0.0.2:{first.port}"}
    assert [a["connections"] for a in by_address.values()] == [4, 4]
    assert sum(a["answers"] for a in by_address.values()) == 400
    assert f"127.0.0.2:{first.port}" in out
    seen = await_records(second.log, by_address[f"127.0.0.2:{first.port}"]["answers"])
    assert {r["host"] for r in seen} == {f"shop.example:{first.port}"}
    wrong = g.once("client", first.url(), "--resolve", "other:80:127.0.0.1")
    assert wrong.returncode == 2 and "--resolve: it is for other:80" in wrong.stderr


def test_a_cut_run_has_the_status_of_its_signal(g):
    server = plain_server(g)
    for number in (signal.SIGINT, signal.SIGTERM):
        args = ["client", server.url(), "-R", "100", "-d", "60s", "--expect", "errors>50%",
                "--progress", "json"]
        client = g._start("client", args, 0)
        until(lambda: client.out, "progress", 20)
        client.signal(number)
        assert client.wait(20) == 128 + number
        assert f"CUT by {number.name}, " in client.err


@pytest.mark.parametrize("args, told", [
    (["-R", "0"], "above zero"),
    (["-R", "fast"], "--rate"),
    (["-R", "11m"], "10m"),
    (["--stages", "10s"], "TIME:RATE"),
    (["--stages", "10s:0"], "no request"),
    (["--stages", "1s:5", "-d", "3s"], "--stages"),
    (["--stages", "1s:5", "--warmup", "1s"], "-R"),
    (["--arrivals", "poisson"], "-R"),
    (["--arrivals", "often", "-R", "1"], "poisson"),
    (["--warmup", "0"], "--warmup"),
])
def test_bad_rates_are_told(g, args, told):
    done = g.once("client", "http://127.0.0.1:1/", *args)
    assert done.returncode == 2, done.stderr
    assert told in done.stderr
