"""Logs in the formats of other programs, read by these: halog (of HAProxy's package), goaccess."""
import collections
import json
import re
import shutil
import socket
import struct
import subprocess

import pytest
from harness import SLOW, counts, curl, exchange, records, status_of
from peers import UNPACKED, until

HALOG = UNPACKED / "haproxy/root/usr/bin/halog"
HTTPLOG_FOR_GOACCESS = ('--date-format=%d/%b/%Y', '--time-format=%H:%M:%S',
                        '--log-format=%^]%^ %h:%^ [%d:%t.%^] %^ %^ %^/%^/%^/%^/%L %s %b %^"%r"')
TCPLOG = re.compile(r"[A-Z][a-z]{2} [ 123]\d [\d:]{8} [^ ]+ giliran\[\d+\]: 127\.0\.0\.1:\d+ "
                    r"\[\d\d/[A-Z][a-z]{2}/\d{4}:[\d:]{8}\.\d{3}\] [^ ]+ ([^ /]+)/([^ ]+) "
                    r"-?\d+/-?\d+/\d+ \d+ [-CcSsPRLKI][-RQCHD] \d+/\d+/\d+/\d+/\+?\d+ \d+/\d+")


def halog(path, *options):
    """The fields of every line it prints, and how many lines it could not read."""
    with open(path, "rb") as log:
        done = subprocess.run([HALOG, *options], stdin=log, capture_output=True, text=True,
                              timeout=60 * SLOW)
    assert done.returncode == 0, done.stderr
    assert "Truncated" not in done.stderr, done.stderr
    summary = re.search(r"(\d+) lines in, (\d+) lines out, (\d+) parsing errors", done.stderr)
    return [line.split() for line in done.stdout.splitlines()], int(summary.group(3))


def halog_counts(path, option, convert=str):
    rows, unreadable = halog(path, "-H", option)
    assert unreadable == 0
    return {convert(key): int(count) for key, count in rows}


def halog_servers(path):
    """Of each pool/server: its counts by class of status, and how many in all."""
    rows, unreadable = halog(path, "-H", "-srv")
    assert unreadable == 0
    head = rows[0]
    return {row[0]: {name: int(value) for name, value in zip(head[1:8], row[1:8])}
            for row in rows[1:]}


def goaccess(folder, log, *options):
    assert shutil.which("goaccess"), "./run test installs it"
    out = folder / "goaccess.json"
    done = subprocess.run(["goaccess", str(log), "--no-global-config", "--ignore-panel=HOSTS",
                           "-o", str(out), *options], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60 * SLOW)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def goaccess_statuses(report):
    return {int(one["data"][:3]): one["hits"]["count"]
            for group in report["status_codes"]["data"] for one in group["items"]}


def classes(statuses):
    return collections.Counter(f"{status // 100}xx" for status in statuses.elements())


def read_a_little(coordinator, request):
    """Sends a request and resets the connection once the response has begun."""
    with socket.create_connection(("127.0.0.1", coordinator.port), 10 * SLOW) as connection:
        connection.settimeout(10 * SLOW)
        connection.sendall(request)
        assert connection.recv(1024).startswith(b"HTTP/1.1 200")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def traffic(g, coordinator):
    """Exchanges of many kinds; how often their clients saw which status."""
    client = g.run_client(coordinator.url("/list?body=2KiB"), "-n", "1500", "-c", "8")
    seen = counts(records(client.log), "status")
    for number in range(7):
        answer = curl("-i", coordinator.url(f"/missing?status=404&n={number}")).stdout
        seen[status_of(answer)] += 1
    for request in (b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", b"G\"#\x01\r\n\r\n", b"GET /\r\n\r\n"):
        seen[status_of(exchange(coordinator.port, request))] += 1
    return seen


def lines_of(path):
    data = path.read_text()
    assert not data or data.endswith("\n")
    return data.splitlines()


@pytest.mark.smoke
def test_halog_and_goaccess_read_httplog(g):
    servers = [g.server("s1"), g.server("s2", "--fail", "10%:503", "--seed", "7")]
    coordinator = g.coordinator(*servers, extra=["--log-format", "httplog"])
    seen = traffic(g, coordinator)
    # And clients that end too early: one within its head, one within the response.
    cut = status_of(exchange(coordinator.port, b"GET / HTTP/1.1\r\nHo", half_close=True))
    read_a_little(coordinator, b"GET /big?body=32MiB HTTP/1.1\r\nHost: h\r\n\r\n")
    lines = sum(seen.values()) + 2
    until(lambda: len(lines_of(coordinator.log)) == lines, f"{lines} lines", 10 * SLOW)
    for program in (coordinator, *servers):
        assert program.stop() == 0
    refused = seen[400]
    ok = lines - refused - 2
    seen[200] += 1
    seen[cut or -1] += 1

    assert halog_counts(coordinator.log, "-st", int) == seen
    assert halog_counts(coordinator.log, "-tc") == {"--": ok, "PR": refused, "CR": 1, "CD": 1}

    by_server = halog_servers(coordinator.log)
    nowhere, = [name for name in by_server if name.endswith("/<NOSRV>")]
    assert by_server.pop(nowhere)["tot_req"] == refused + 1
    assert by_server.keys() == {f"default/{server.address}" for server in servers}
    for server in servers:
        row = by_server[f"default/{server.address}"]
        told = classes(counts(records(server.log), "status"))
        assert {name: n for name, n in row.items() if name.endswith("xx") and n} == told
        assert row["tot_req"] == sum(told.values())

    report = goaccess(g.folder, coordinator.log, *HTTPLOG_FOR_GOACCESS)
    assert report["general"]["failed_requests"] == seen.pop(-1, 0)
    assert goaccess_statuses(report) == seen


@pytest.mark.smoke
def test_goaccess_reads_combined(g):
    servers = [g.server("s1"), g.server("s2", "--fail", "10%:503", "--seed", "7")]
    coordinator = g.coordinator(*servers, extra=["--log-format", "combined"])
    seen = traffic(g, coordinator)
    for number in range(5):
        answer = curl("-i", "-A", 'Mozilla/5.0 (X11; "é") Firefox/133.0', "-e",
                      f"https://elsewhere.example/{number}", coordinator.url("/from")).stdout
        seen[status_of(answer)] += 1
    assert coordinator.stop() == 0
    assert len(lines_of(coordinator.log)) == sum(seen.values())
    report = goaccess(g.folder, coordinator.log, "--log-format=COMBINED")
    assert report["general"]["failed_requests"] == 0
    assert goaccess_statuses(report) == seen
    sites = {one["data"]: one["hits"]["count"] for one in report["referring_sites"]["data"]}
    assert sites == {"elsewhere.example": 5}
    agents = {one["data"]: one["hits"]["count"] for one in report["browsers"]["data"]}
    assert agents["Firefox"] == 5
    # Connections are different ones, so that workers may write their lines in any order.
    line = [line for line in lines_of(coordinator.log) if "elsewhere.example/0" in line][0]
    assert line.endswith(r'"https://elsewhere.example/0" '
                         r'"Mozilla/5.0 (X11; \x22\xC3\xA9\x22) Firefox/133.0"')


@pytest.mark.parametrize("form", ["httplog", "tcplog", "combined"])
def test_flows_in_every_format(g, form):
    # A line server answers HTTP with nothing of use, but that is enough for a line in the log.
    servers = [g.server(name, listen=["tcp://127.0.0.1:0"]) for name in ("s1", "s2")]
    coordinator = g.coordinator(*servers, listen=["tcp://127.0.0.1:0", "http://127.0.0.1:0"],
                                extra=["--log-format", form])
    client = g.run_client(f"tcp://127.0.0.1:{coordinator.ports[0]}", "-n", "200", "-c", "4",
                          "--new-connection")
    flows = sum(r["kind"] == "flow" for r in records(client.log))
    assert flows > 0
    answer = exchange(coordinator.ports[1], b"BAD\r\n\r\n")
    assert status_of(answer) == 400
    for program in (coordinator, *servers):
        assert program.stop() == 0
    lines = lines_of(coordinator.log)
    found = [match for line in lines if (match := TCPLOG.fullmatch(line))]
    if form == "combined":
        assert len(lines) == 1 and not found
        return
    assert len(found) == flows + (form == "tcplog")
    assert len(lines) == flows + 1
    by_server = collections.Counter(match.group(2) for match in found)
    by_server.pop("<NOSRV>", None)
    assert by_server == {server.address: counts(records(server.log), "kind")["flow"]
                         for server in servers}
    if form == "httplog":
        assert halog_counts(coordinator.log, "-st", int) == {400: 1}
