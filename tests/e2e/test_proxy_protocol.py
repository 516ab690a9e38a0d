"""PROXY headers, as haproxy, nginx and curl write and read them.

Who asks connects from 127.0.0.2, which nobody else here does.
"""
import contextlib
import re

import peers
import pytest
from harness import await_records, counts, curl, exchange

CLIENT = "127.0.0.2"
WHO = re.compile(rb"^127\.0\.0\.2:\d+\n$")


@pytest.fixture
def start(tmp_path):
    """Starts peers that end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda make, name, *args, **more: stack.enter_context(
            make(tmp_path / name, *args, **more))


def in_front_of(g, *servers, scheme="http", accept=False, send="none"):
    addresses = ", ".join(f'"{server.address}"' for server in servers)
    networks = 'proxy_protocol_from = "127.0.0.1"\n' if accept else ""
    return g.configured(f"""\
threads = 2
[[listener]]
address = "{scheme}://127.0.0.1:0"
pool = "app"
{networks}[[pool]]
name = "app"
servers = [{addresses}]
proxy_protocol = "{send}"
""")


def ask(port, path, *args, **options):
    return curl("--interface", CLIENT, *args, f"http://127.0.0.1:{port}{path}", **options)


@pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2"])
def test_haproxy_in_front(g, nginx, start, version):
    coordinator = in_front_of(g, nginx, accept=True)
    front = start(peers.haproxy, "front", [coordinator.address], server=f" {version}")
    for _ in range(5):
        assert f"xff={CLIENT}\n".encode() in ask(front.port, "/seen").stdout
    found = await_records(coordinator.log, 5)
    assert counts(found, "end") == {"ok": 5}
    for record in found:
        assert record["client"].startswith(f"{CLIENT}:")
        assert record["peer"].startswith("127.0.0.1:")
        assert record["local"] == front.address  # where the client connected to


def test_haproxy_in_front_of_flows(g, nginx, start):
    coordinator = in_front_of(g, nginx, scheme="tcp", accept=True)
    front = start(peers.haproxy, "front", [coordinator.address], server=" send-proxy-v2")
    assert ask(front.port, "/any").stdout == b"GET\n"
    front.stop()
    [record] = await_records(coordinator.log, 1)
    assert record["client"].startswith(f"{CLIENT}:")


@pytest.mark.parametrize("scheme", ["http", "tcp"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_nginx_and_haproxy_behind(g, start, version, scheme):
    servers = [start(peers.nginx, "nginx", listen=" proxy_protocol"),
               start(peers.haproxy, "haproxy", [], bind=" accept-proxy")]
    coordinator = in_front_of(g, *servers, scheme=scheme, send=version)
    for _ in range(6):
        assert WHO.match(ask(coordinator.port, "/proxied").stdout)
    found = await_records(coordinator.log, 6)
    assert counts(found, "end") == {"ok": 6}
    assert sorted(counts(found, "server").values()) == [3, 3]


def test_curl_says_for_whom(g, nginx):
    coordinator = in_front_of(g, nginx, accept=True)
    url = coordinator.url("/seen")
    assert b"xff=127.0.0.1\n" in curl("--haproxy-protocol", url, url).stdout
    # Whoever is named must say so, others must not.
    refused = curl(url, check=False)
    assert refused.returncode != 0 and refused.stdout == b""
    assert f"xff={CLIENT}\n".encode() in ask(coordinator.port, "/seen").stdout
    assert b"HTTP/1.1 400 " in ask(coordinator.port, "/seen", "--haproxy-protocol", "-i").stdout
    header = b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n"
    answer = exchange(coordinator.port, header + b"GET /seen HTTP/1.1\r\nHost: h\r\n"
                                                 b"Connection: close\r\n\r\n")
    assert b"xff=2001:db8::1\n" in answer
