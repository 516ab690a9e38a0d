"""HTTP through the coordinator with curl and sockets, to our servers and to nginx."""
import hashlib
import os
import re
import socket
import subprocess
import time

import pytest
from harness import (SLOW, await_records, counts, curl, exchange, status_of)

MIB = 1 << 20
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]


def make_file(path, size):
    """A file in which no two MiB are equal; returns its SHA-256."""
    digest = hashlib.sha256()
    block = os.urandom(MIB - 8)
    with open(path, "wb") as out:
        for number in range(size // MIB):
            piece = number.to_bytes(8, "big") + block
            out.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as data:
        while piece := data.read(MIB):
            digest.update(piece)
    return digest.hexdigest()


def seen_by(nginx, coordinator, *args):
    """The head nginx got, as a dictionary."""
    text = curl(*args, coordinator.url("/seen")).stdout.decode()
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.mark.smoke
@pytest.mark.parametrize("method", METHODS)
def test_every_method_reaches_our_server(pair, method):
    coordinator, servers = pair
    flags = ["-I"] if method == "HEAD" else ["-X", method]
    body = ["--data-binary", "some body"] if method in ("POST", "PUT", "PATCH") else []
    done = curl("-i", *flags, *body, coordinator.url("/a?b=c"))
    assert status_of(done.stdout) == 200
    record, = await_records(coordinator.log, 1)
    assert (record["method"], record["target"], record["end"]) == (method, "/a?b=c", "ok")
    assert record["status"] == 200
    assert record.get("body_in", 0) == (len("some body") if body else 0)
    server = next(s for s in servers if s.address == record["server"])
    served, = await_records(server.log, 1)
    assert served["method"] == method
    assert (served["trace"], served["parent"]) == (record["trace"], record["span"])


@pytest.mark.parametrize("method", METHODS)
def test_every_method_reaches_nginx(g, nginx, method):
    coordinator = g.coordinator(nginx)
    flags = ["-I"] if method == "HEAD" else ["-X", method]
    done = curl("-i", *flags, coordinator.url("/any"))
    assert status_of(done.stdout) == 200
    body = done.stdout.split(b"\r\n\r\n", 1)[1]
    assert body == (b"" if method == "HEAD" else method.encode() + b"\n")


def test_100_mib_down_from_nginx(g, nginx):
    expected = make_file(nginx.folder / "www/big", 100 * MIB)
    coordinator = g.coordinator(nginx)
    curl("-o", g.folder / "got", coordinator.url("/big"))
    assert sha256(g.folder / "got") == expected
    record, = await_records(coordinator.log, 1)
    assert (record["end"], record["body_out"]) == ("ok", 100 * MIB)
    assert record["down_out"] > 100 * MIB and record["up_in"] > 100 * MIB


def test_100_mib_up_to_nginx(g, nginx):
    expected = make_file(g.folder / "big", 100 * MIB)
    coordinator = g.coordinator(nginx)
    curl("-T", g.folder / "big", coordinator.url("/up"))
    assert sha256(nginx.folder / "www/up") == expected
    record, = await_records(coordinator.log, 1)
    assert (record["end"], record["body_in"], record["status"]) == ("ok", 100 * MIB, 201)


def test_100_mib_echoed_by_our_server(g):
    expected = make_file(g.folder / "big", 100 * MIB)
    coordinator = g.coordinator(g.server("s1"))
    curl("-X", "POST", "-T", g.folder / "big", "-o", g.folder / "got", coordinator.url("/echo"))
    assert sha256(g.folder / "got") == expected
    record, = await_records(coordinator.log, 1)
    assert (record["body_in"], record["body_out"]) == (100 * MIB, 100 * MIB)


@pytest.mark.smoke
def test_chunked_both_ways(g, nginx):
    """curl sends chunks of what it reads from a pipe; nginx sends chunks as it compresses."""
    expected = make_file(g.folder / "data", 4 * MIB)
    coordinator = g.coordinator(nginx)
    with open(g.folder / "data", "rb") as data:
        done = subprocess.run(["curl", "-sS", "-v", "-T", "-", coordinator.url("/chunked")],
                              stdin=data, capture_output=True, timeout=60 * SLOW)
    assert done.returncode == 0, done.stderr
    assert b"Transfer-Encoding: chunked" in done.stderr
    assert sha256(nginx.folder / "www/chunked") == expected
    done = curl("-v", "--compressed", "-o", g.folder / "got", coordinator.url("/gzip/chunked"))
    assert b"transfer-encoding: chunked" in done.stderr.lower()
    assert sha256(g.folder / "got") == expected


def test_expect_100_continue(g):
    """The 100 comes from the server and comes at once: curl would wait 30 s for it here."""
    coordinator = g.coordinator(g.server("s1"))
    began = time.monotonic()
    done = curl("-v", "--expect100-timeout", "30", "-H", "Expect: 100-continue", "-X", "POST",
                "--data-binary", "held back", coordinator.url("/echo"))
    assert b"100 Continue" in done.stderr
    assert done.stdout == b"held back"
    assert time.monotonic() - began < 15 * SLOW


def test_http_1_0(pair):
    """Without keep-alive the connection ends with the answer."""
    coordinator, _ = pair
    answer = exchange(coordinator.port, b"GET /old HTTP/1.0\r\n\r\n")
    assert status_of(answer) == 200
    assert b"transfer-encoding" not in answer.lower()
    done = curl("--http1.0", "-i", coordinator.url("/older"))
    assert status_of(done.stdout) == 200
    found = await_records(coordinator.log, 2)
    assert [r["proto"] for r in found] == ["HTTP/1.0", "HTTP/1.0"]


@pytest.mark.smoke
def test_keep_alive_on_both_sides(g):
    coordinator = g.coordinator(g.server("s1"), threads=1)
    done = curl("-w", "%{num_connects},", *[coordinator.url(f"/{i}") for i in range(4)])
    assert re.findall(rb"\d+(?=,)", done.stdout) == [b"1", b"0", b"0", b"0"]
    found = await_records(coordinator.log, 4)
    assert counts(found, "conn") == {found[0]["conn"]: 4}
    assert [r["seq"] for r in found] == [1, 2, 3, 4]
    assert [r.get("reused", False) for r in found] == [False, True, True, True]


def test_pipelined_requests_are_answered_in_order(pair):
    coordinator, _ = pair
    requests = b"".join(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n%s\r\n%02d"
                        % (b"Connection: close\r\n" if i == 9 else b"", i) for i in range(10))
    answer = exchange(coordinator.port, requests)
    assert answer.count(b"HTTP/1.1 200") == 10
    assert re.findall(rb"\r\n\r\n(\d\d)", answer) == [b"%02d" % i for i in range(10)]


@pytest.mark.smoke
def test_what_the_server_is_told(g, nginx):
    coordinator = g.coordinator(nginx)
    seen = seen_by(nginx, coordinator, "-H", "Host: shop.example:8080", "-A", "teapot/1")
    assert seen["host"] == "shop.example:8080"
    assert seen["xff"] == "127.0.0.1"
    assert seen["proto"] == "http"
    assert seen["ua"] == "teapot/1"
    assert re.match(r"1\.1 \S+", seen["via"])
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", seen["traceparent"])
    record, = await_records(coordinator.log, 1)
    _, trace, span, _ = seen["traceparent"].split("-")
    assert (record["trace"], record["span"]) == (trace, span)
    assert "parent" not in record
    assert record["host"] == "shop.example:8080"


def test_a_client_cannot_forge_where_it_comes_from(g, nginx):
    coordinator = g.coordinator(nginx)
    seen = seen_by(nginx, coordinator, "-H", "X-Forwarded-For: 6.6.6.6", "-H",
                   "X-Forwarded-Proto: https")
    assert "6.6.6.6" not in seen["xff"]
    assert seen["proto"] == "http"


def test_hop_by_hop_fields_stay_on_their_hop(g, nginx):
    coordinator = g.coordinator(nginx)
    seen = seen_by(nginx, coordinator, "-H", "Connection: x-hop, keep-alive", "-H", "X-Hop: secret",
                   "-H", "Keep-Alive: timeout=9", "-H", "TE: trailers")
    assert seen["hop"] == ""
    assert seen["keep"] == ""
    assert "x-hop" not in seen["connection"]


def test_traceparent_of_the_client_is_kept(g, nginx):
    coordinator = g.coordinator(nginx)
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    seen = seen_by(nginx, coordinator, "-H", f"traceparent: 00-{trace}-{parent}-01")
    _, seen_trace, span, _ = seen["traceparent"].split("-")
    record, = await_records(coordinator.log, 1)
    assert seen_trace == trace and span != parent
    assert (record["trace"], record["parent"], record["span"]) == (trace, parent, span)


def test_fan_out_through_the_coordinator(g):
    """A server that finishes its task by calling others, through a coordinator on both legs."""
    leaves = [g.server("leaf1"), g.server("leaf2")]
    inner = g.coordinator(*leaves, log=False)
    root = g.server("root", "--allow-to", inner.address)
    outer = g.coordinator(root)
    to = "&".join(f"to=http://{inner.address}/leaf{i}" for i in (1, 2))
    done = curl("-i", outer.url(f"/fanout?{to}"))
    assert status_of(done.stdout) == 200
    trace = await_records(outer.log, 1)[0]["trace"]
    for leaf in leaves:
        assert await_records(leaf.log, 1)[0]["trace"] == trace


def test_haproxy_behind_the_coordinator(g, tmp_path):
    import peers
    servers = g.servers(2)
    with peers.haproxy(tmp_path / "haproxy", [s.address for s in servers]) as haproxy:
        coordinator = g.coordinator(haproxy)
        done = curl("-w", "%{http_code},", *[coordinator.url() for _ in range(6)])
        assert done.stdout.count(b"200,") == 6


def test_a_body_of_unknown_length_is_relayed_to_its_end(g):
    """HTTP/1.0 style: the answer ends with the server's connection."""
    from peers import RawServer, read_head

    def handle(connection, _):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 100_000)
        connection.shutdown(socket.SHUT_WR)

    with RawServer(handle) as server:
        coordinator = g.coordinator(server)
        assert curl(coordinator.url()).stdout == b"x" * 100_000
        assert await_records(coordinator.log, 1)[0]["end"] == "ok"
