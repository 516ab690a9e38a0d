"""tcp:// listeners: redis and nc through them, half-close, and what is recorded of a flow."""
import hashlib
import socket
import subprocess
import threading

import pytest
from harness import SLOW, await_records, counts, exchange
from peers import RawServer

TCP = "tcp://127.0.0.1:0"


def tcp_server(g, name):
    return g.server(name, listen=[TCP])


@pytest.mark.smoke
def test_redis_cli_sets_and_gets_a_large_value(g, redis):
    coordinator = g.coordinator(redis, listen=[TCP])
    cli = ["redis-cli", "-p", str(coordinator.port)]
    value = b"0123456789abcdef" * (1 << 16)
    put = subprocess.run([*cli, "-x", "set", "big"], input=value, capture_output=True,
                         timeout=30 * SLOW)
    assert put.stdout == b"OK\n", put
    got = subprocess.run([*cli, "--raw", "get", "big"], capture_output=True, timeout=30 * SLOW)
    assert got.stdout == value + b"\n"
    found = sorted(await_records(coordinator.log, 2), key=lambda r: r["ts"])
    assert counts(found, "kind") == {"flow": 2}
    assert counts(found, "end") == {"ok": 2}
    assert found[0]["down_in"] == found[0]["up_out"] > len(value)
    assert found[1]["up_in"] == found[1]["down_out"] > len(value)


def test_redis_benchmark(g, redis):
    coordinator = g.coordinator(redis, listen=[TCP])
    command = ["redis-benchmark", "-p", str(coordinator.port), "-n", "20000", "-c", "20", "-t",
               "set,get,lpush", "--csv"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120 * SLOW)
    assert done.returncode == 0, done.stderr
    for test in ("SET", "GET", "LPUSH"):
        assert f'"{test}"' in done.stdout
    # Three tests with 20 connections each, and what it asks about the server before.
    found = await_records(coordinator.log, 60)
    assert counts(found, "kind").keys() == {"flow"}
    assert not [r for r in found if r["down_out"] != r["up_in"] or r["down_in"] != r["up_out"]]


@pytest.mark.smoke
def test_nc_is_a_client(g):
    servers = [tcp_server(g, "s1"), tcp_server(g, "s2")]
    coordinator = g.coordinator(*servers, listen=[TCP])
    answers = []
    for _ in range(4):
        done = subprocess.run(["nc", "-N", "-w", "20", "127.0.0.1", str(coordinator.port)],
                              input=b"hello\n", capture_output=True, timeout=30 * SLOW)
        answers.append(done.stdout)
        assert done.returncode == 0
        assert done.stdout.endswith(b"\n") and done.stdout.count(b"\n") == 1
    assert sum(b"s1" in a for a in answers) == 2
    assert sum(b"s2" in a for a in answers) == 2
    assert counts(await_records(coordinator.log, 4), "end") == {"ok": 4}


@pytest.mark.smoke
def test_half_close_is_passed_on_and_the_whole_answer_arrives(g):
    """The server speaks only when the client has said that it is done."""
    from peers import RawServer
    answer = bytes(range(256)) * 8192

    def handle(connection, _):
        got = b""
        while more := connection.recv(65536):
            got += more
        connection.sendall(b"%d:" % len(got) + answer)

    with RawServer(handle) as server:
        coordinator = g.coordinator(server, listen=[TCP])
        assert exchange(coordinator.port, b"x" * 300_000, half_close=True) == b"300000:" + answer
        record, = await_records(coordinator.log, 1)
        assert (record["end"], record["down_in"]) == ("ok", 300_000)
        assert record["down_out"] == len(answer) + 7


def test_half_close_from_socat(g):
    servers = [tcp_server(g, "s1")]
    coordinator = g.coordinator(*servers, listen=[TCP])
    done = subprocess.run(["socat", "-t", "20", "-", f"TCP:127.0.0.1:{coordinator.port}"],
                          input=b"a\nb\nc\n", capture_output=True, timeout=30 * SLOW)
    assert done.stdout.count(b"\n") == 3


def test_the_server_speaks_first(g):
    from peers import RawServer

    def handle(connection, _):
        connection.sendall(b"220 ready\r\n")
        assert connection.recv(100) == b"QUIT\r\n"
        connection.sendall(b"221 bye\r\n")

    with RawServer(handle) as server:
        coordinator = g.coordinator(server, listen=[TCP])
        with socket.create_connection(("127.0.0.1", coordinator.port), 10 * SLOW) as connection:
            stream = connection.makefile("rb")
            assert stream.readline() == b"220 ready\r\n"
            connection.sendall(b"QUIT\r\n")
            assert stream.readline() == b"221 bye\r\n"
            assert stream.readline() == b""


@pytest.mark.smoke
def test_flows_and_messages_of_our_client_are_all_accounted_for(g):
    servers = [tcp_server(g, "s1"), tcp_server(g, "s2")]
    coordinator = g.coordinator(*servers, listen=[TCP])
    client = g.run_client(f"tcp://127.0.0.1:{coordinator.port}", "-n", "2000", "-c", "10")
    coordinator.stop()
    for server in servers:
        server.stop()
    sent = [r for r in await_records(client.log, 2000) if r["kind"] == "message"]
    assert counts(sent, "end") == {"ok": 2000}
    flows = await_records(coordinator.log, 10)
    assert counts(flows, "server") == {s.address: 5 for s in servers}
    answered = [r for s in servers for r in await_records(s.log, 1) if r["kind"] == "message"]
    assert len(answered) == 2000


def test_listeners_share_the_servers(g):
    server = g.server("s1", listen=["http://127.0.0.1:0", TCP])
    coordinator = g.coordinator(f"127.0.0.1:{server.ports[1]}",
                                listen=[TCP, "tcp://127.0.0.1:0"])
    for port in coordinator.ports:
        assert b"s1" in exchange(port, b"hi\n", half_close=True)


BULK_MIB = 256


def send_bulk(connection, seed):
    """Blocks that all differ, then the end; the sum of what was sent."""
    block = bytes(seed ^ n & 255 for n in range(1 << 20))
    digest = hashlib.sha256()
    for number in range(BULK_MIB):
        piece = number.to_bytes(4, "big") + block[4:]
        digest.update(piece)
        connection.sendall(piece)
    connection.shutdown(socket.SHUT_WR)
    return digest.hexdigest()


def receive_all(connection):
    digest = hashlib.sha256()
    while more := connection.recv(1 << 20):
        digest.update(more)
    return digest.hexdigest()


@pytest.mark.slow
def test_much_both_ways_at_once(g):
    """So much is spliced: not a byte of it is lost, changed or told wrong."""
    sums = {}

    def both(connection, seed, who):
        def send():
            sums[f"{who} sent"] = send_bulk(connection, seed)
        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        sums[f"{who} got"] = receive_all(connection)
        sender.join(60 * SLOW)

    done = threading.Event()

    def serve(connection, _):
        both(connection, 7, "server")
        done.set()

    with RawServer(serve) as server:
        coordinator = g.coordinator(server, listen=[TCP])
        with socket.create_connection(("127.0.0.1", coordinator.port), 60 * SLOW) as connection:
            both(connection, 201, "client")
            assert done.wait(60 * SLOW)
    assert sums["server got"] == sums["client sent"]
    assert sums["client got"] == sums["server sent"]
    record, = await_records(coordinator.log, 1)
    assert record["end"] == "ok"
    for key in ("down_in", "up_out", "up_in", "down_out"):
        assert record[key] == BULK_MIB << 20, key
