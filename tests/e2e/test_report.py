"""giliran report read as somebody at 3 a.m. reads it: the cause first, the answer at the end."""
import json
import re
import signal

import pytest
from harness import exchange
from peers import RawServer, free_port, read_head, until

HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e"
                    "\u2060-\u206f\ufeff]")
HOSTILE = "/\u202egnp.exe\u2066\u009b31m\u2028\u200b"

CONFIG = """
[timeouts]
{timeouts}

[[listener]]
address = "http://127.0.0.1:0"
pool = "p"

[[pool]]
name = "p"
servers = {servers}
"""


def read(g, *logs, status=0):
    """(findings, answer) of a report."""
    done = g.once("report", *logs)
    assert done.returncode == status, done.stdout + done.stderr
    assert not HIDDEN.search(done.stdout), repr(done.stdout)
    text, _, answer = done.stdout.rpartition("\nAnswer: ")
    assert answer, done.stdout
    block = text.partition("What stands out, the likeliest cause first:\n")[2]
    joined = re.sub(r"\n {5}(?! *\d+\. )", " ", block)
    return ([one.group(1) for one in re.finditer(r"(?m)^ *\d+\. (.*)$", joined)],
            " ".join(answer.split()))


def coordinator_of(g, *addresses, timeouts="", extra=()):
    return g.configured(CONFIG.format(timeouts=timeouts, servers=json.dumps(addresses)), *extra)


def load(g, coordinator, *extra, requests=300):
    client = g.client(coordinator.url(), "-n", requests, "-c", 4, *extra)
    client.wait(60)
    assert coordinator.stop() == 0
    return client


@pytest.mark.smoke
def test_a_dead_server_is_the_first_finding_under_one_name(g):
    good, dead = g.server("s1"), f"127.0.0.1:{free_port()}"
    coordinator = coordinator_of(g, good.address, dead)
    client = load(g, coordinator)
    good.stop()
    for logs in ([coordinator.log], [client.log, coordinator.log, good.log]):
        findings, answer = read(g, *logs)
        assert re.match(rf"Server {dead} refused connections: \d+ of \d+ attempts? "
                        r"\(connect-refused\), .*went on to another server", findings[0]), findings
        assert sum(dead in one for one in findings) == 1, findings
        assert answer.endswith(f"all ok. Server {dead} refused connections."), answer


def test_a_dead_server_alone(g):
    dead = f"127.0.0.1:{free_port()}"
    coordinator = coordinator_of(g, dead)
    client = load(g, coordinator)
    for logs in ([coordinator.log], [client.log, coordinator.log]):
        findings, answer = read(g, *logs)
        assert findings[0].startswith(f"Server {dead} refused connections: "), findings
        assert "ECONNREFUSED" in findings[0]
        assert all("5xx" not in one for one in findings), findings
        assert answer.endswith(f"Server {dead} refused connections."), answer


def test_a_server_that_does_not_answer_in_time(g):
    good = g.server("s1")
    with RawServer(lambda connection, _: connection.recv(1) and until(
            lambda: not connection.recv(65536), "the end", 30)) as silent:
        coordinator = coordinator_of(g, good.address, silent.address,
                                     timeouts='response_timeout = "200ms"')
        client = load(g, coordinator, requests=100)
        for logs in ([coordinator.log], [client.log, coordinator.log]):
            findings, answer = read(g, *logs)
            assert re.match(rf"Server {silent.address} did not answer in time: \d+ of \d+ attempts "
                            r"\(server-timeout", findings[0]), findings
            assert sum(silent.address in one for one in findings) == 1, findings
            assert answer.endswith(f"Server {silent.address} did not answer in time."), answer


@pytest.mark.smoke
def test_5xx_of_one_server(g):
    good, bad = g.server("s1"), g.server("s2", "--fail", "0.5:503")
    coordinator = coordinator_of(g, good.address, bad.address)
    client = load(g, coordinator)
    for server in (good, bad):
        server.stop()
    findings, _ = read(g, coordinator.log)
    assert len([one for one in findings if "5xx" in one]) == 1, findings
    assert re.match(rf"Server {bad.address} (\(s2\) )?answered 5xx: \d+ of 150 answers "
                    r"\(503: \d+\)", findings[0]), findings
    findings, _ = read(g, client.log, coordinator.log, good.log, bad.log)
    assert findings[0].startswith(f"Server {bad.address} (s2) answered 5xx"), findings
    assert sum("5xx" in one for one in findings) == 1, findings
    assert sum("s2" in one for one in findings) == 1, findings


def test_one_server_is_slow(g):
    fast, slow = g.server("s1"), g.server("s2", "--delay", "60ms")
    coordinator = coordinator_of(g, fast.address, slow.address)
    client = load(g, coordinator, requests=100)
    for server in (fast, slow):
        server.stop()
    findings, answer = read(g, client.log, coordinator.log, fast.log, slow.log)
    assert findings[0].startswith(f"Server {slow.address} (s2) is slow: p50 6"), findings
    assert sum("slow" in one for one in findings) == 1, findings
    assert answer.endswith(f"Server {slow.address} (s2) is slow."), answer


@pytest.mark.parametrize("form", ["httplog", "combined"])
def test_our_other_formats_are_read(g, form):
    good, bad = g.server("s1"), g.server("s2", "--fail", "0.5:503")
    coordinator = coordinator_of(g, good.address, bad.address, extra=["--log-format", form])
    load(g, coordinator)
    findings, answer = read(g, coordinator.log)
    who = f"Server {bad.address}" if form == "httplog" else "The coordinator or a server"
    assert findings[0].startswith(who), findings
    assert "answered 5xx" in findings[0], findings
    assert answer.startswith("300 coordinator exchanges, "), answer
    done = json.loads(g.once("report", coordinator.log, "--json").stdout)
    assert done["files"][0]["unknown"] == 0
    assert done["sections"][0]["records"] == 300


def test_nothing_of_the_wire_reaches_a_terminal_raw(g):
    """A server's name, a target, a first line that is none: in a log and in every output."""
    def answer(connection, _):
        while read_head(connection)[0]:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Giliran-Server: " +
                               HOSTILE.encode() + b"\xff\r\n\r\n")
    with RawServer(answer) as server:
        coordinator = coordinator_of(g, server.address)
        exchange(coordinator.port, b"GET " + HOSTILE.encode() + b"\xff HTTP/1.1\r\nHost: h\r\n"
                 b"Connection: close\r\n\r\n")
        exchange(coordinator.port, b"\x1b[2J\xff" + HOSTILE.encode() + b"\r\n\r\n")
        done = g.once("client", coordinator.url(), "-n", 8, "-c", 1, "--log", "c.log")
        lines = g.once("client", coordinator.url(), "-n", 8, "-c", 1, "--json", "-")
        assert coordinator.stop() == 0
    log = coordinator.log.read_text(errors="strict")
    assert "gnp.exe" in log and not HIDDEN.search(log), repr(log)
    for out in (done.stdout, done.stderr, lines.stdout, lines.stderr, coordinator.err):
        assert not HIDDEN.search(out.replace("\x1b[K", "")), repr(out)
    assert json.loads(lines.stdout)
    read(g, coordinator.log, g.folder / "c.log")


def test_a_diagnostic_that_quotes_a_hostile_file_is_shown_safely(g):
    with RawServer(lambda *_: None) as server:
        coordinator = coordinator_of(g, server.address)
        path = g.folder / "giliran.toml"
        path.write_text(path.read_text().replace('name = "p"', 'name = "\u202e\\u001b[2J\u009b"'))
        coordinator.signal(signal.SIGHUP)
        until(lambda: "reload refused" in coordinator.err, "the diagnostic", 10)
        again = g.once("coordinator", "-c", path)
        checked = g.once("check", path)
    for out in (coordinator.err, again.stderr, checked.stderr):
        assert not HIDDEN.search(out), repr(out)
    assert "bad value '?" in again.stderr
