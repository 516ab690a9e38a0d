"""What an exchange costs the kernel: exact counts, not times."""
import pathlib
import re
import resource
import signal
import socket
import subprocess

import pytest
from harness import await_records, records
from lockstep import ROWS, LockStep
from peers import RawServer, read_head, until

DATA_CALLS = {"read", "readv", "recvfrom", "recvmsg", "recvmmsg", "write", "writev", "sendto",
              "sendmsg", "sendmmsg", "sendfile", "splice"}
EXCHANGES = 5000


def traced(pid, path):
    """strace -c on a running process, once it has hold of all its threads."""
    command = ["strace", "-f", "-c", "-U", "calls,name", "-o", path, "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    line = tracer.stderr.readline().decode()
    if "attached" not in line:
        tracer.wait()
        pytest.skip(f"strace may not trace here: {line.strip()}")
    return tracer


def calls_of(tracer, path):
    tracer.send_signal(signal.SIGINT)
    tracer.wait(20)
    tracer.stderr.close()
    return {name: int(count) for count, name in
            re.findall(r"^\s*(\d+)\s+(\w+)\s*$", path.read_text(), re.MULTILINE) if name != "total"}


class Cost:
    """What the coordinator asked of the kernel for each exchange, with what it gave for the log."""

    def __init__(self, calls, exchanges):
        count = {"data": 0, "waits": 0, "other": 0}
        for name, n in calls.items():
            kind = ("data" if name in DATA_CALLS else
                    "waits" if name.startswith("epoll_") and "wait" in name else "other")
            count[kind] += n
        self.calls = calls
        self.data = count["data"] / exchanges
        self.waits = count["waits"] / exchanges
        self.other = count["other"] / exchanges


def measure(g, coordinator, exchanges, *client):
    """Runs a client against a coordinator that is warm, and looks at its calls meanwhile."""
    g.run_client(coordinator.url(), "-n", "200", "-c", "8", *client, name="warm")
    await_records(coordinator.log, 200)
    path = g.folder / "strace.out"
    tracer = traced(coordinator.pid, path)
    try:
        g.run_client(coordinator.url(), "-n", exchanges, "-c", "8", *client, name="measured")
        await_records(coordinator.log, 200 + exchanges)
    finally:
        calls = calls_of(tracer, path)
    until(lambda: len(records(coordinator.log)) == 200 + exchanges, "records")
    cost = Cost(calls, exchanges)
    assert cost.data >= 1, f"strace did not see it: {calls}"
    return cost


# name, the client's flags, exchanges, and at most so many calls for each exchange that move data,
# wait, and do anything else. The slack of 0.1 is the log's writes and what connecting costs.
COSTS = [
    ("keep-alive GET", (), 5000, 4.1, 2, 0.1),
    # A head and a body are received and sent in few pieces, at most.
    ("POST 16 KiB", ("--body", "x" * 16384), 2000, 7.1, 2, 0.2),
    # The end of the client's connection is a receive more; "other" opens and closes it. The
    # connection to the server is kept.
    ("new connection", ("--new-connection",), 1000, 5.2, 3, 4),
]


TUNNELS = 300
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"


def tunnel(port):
    """An upgrade, one message each way, and the end of both halves."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n"
                           b"Upgrade: echo\r\n\r\n")
        head, rest = read_head(connection)
        assert b" 101 " in head and rest == b""
        connection.sendall(b"ping")
        assert connection.recv(100) == b"ping"
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""


def echo(connection, _):
    read_head(connection)
    connection.sendall(SWITCH)
    while data := connection.recv(4096):
        connection.sendall(data)


@pytest.mark.timing
@pytest.mark.slow
def test_system_calls_of_a_tunnel(g):
    with RawServer(echo) as server:
        coordinator = g.coordinator(server)
        tunnel(coordinator.port)
        path = g.folder / "strace.out"
        tracer = traced(coordinator.pid, path)
        try:
            for _ in range(TUNNELS):
                tunnel(coordinator.port)
        finally:
            calls = calls_of(tracer, path)
    cost = Cost(calls, TUNNELS)
    print(f"upgrade: {cost.data:.2f} data, {cost.waits:.2f} waits, {cost.other:.2f} other")
    # The head, the answer, a message and an end each way: received and sent. What is said and what
    # is over comes apart here, one by one, so that waits are as many.
    assert 8 <= cost.data <= 10.6, cost.calls
    assert cost.waits <= 12, cost.calls
    assert cost.other <= 18, cost.calls


@pytest.mark.timing
@pytest.mark.slow
@pytest.mark.parametrize("name,flags,exchanges,data,waits,other", COSTS, ids=[c[0] for c in COSTS])
def test_system_calls_of_an_exchange(g, name, flags, exchanges, data, waits, other):
    coordinator = g.coordinator(*g.servers(2), threads=2)
    cost = measure(g, coordinator, exchanges, *flags)
    print(f"{name}: {cost.data:.2f} data, {cost.waits:.2f} waits, {cost.other:.2f} other")
    assert cost.data <= data, cost.calls
    assert cost.waits <= waits, cost.calls
    assert cost.other <= other, cost.calls


# In lock step, one exchange after the other: nothing is shared, and every run is the same. Without
# a log, which is written by time. How much of a large body comes at once is for the kernel to say.
# Rows of lockstep.py, exchanges, and at most so many calls for data, waits and others for each.
SERIAL = [
    ("tcp", 500, 4.01, 2.1, 0.05),
    ("tcp-new", 300, 6.05, 5.1, 15.1),
    ("http", 500, 4.01, 2.1, 0.05),
    ("http-new", 300, 5.05, 4.1, 3.1),
    ("http-16k", 500, 6.05, 2.1, 0.05),
    ("http-1m", 50, 60, 25, 0.1),
]


@pytest.mark.timing
@pytest.mark.slow
@pytest.mark.parametrize("name,exchanges,data,waits,other", SERIAL, ids=[c[0] for c in SERIAL])
def test_system_calls_one_after_the_other(g, name, exchanges, data, waits, other):
    row = ROWS[name]
    with LockStep() as steps:
        coordinator = g.coordinator(steps, listen=(f"{row.scheme}://127.0.0.1:0",), threads=1,
                                    log=False)
        steps.run(row, coordinator.port, 20)
        path = g.folder / "strace.out"
        tracer = traced(coordinator.pid, path)
        try:
            steps.run(row, coordinator.port, exchanges)
        finally:
            calls = calls_of(tracer, path)
    cost = Cost(calls, exchanges)
    print(f"{name}: {cost.data:.2f} data, {cost.waits:.2f} waits, {cost.other:.2f} other")
    assert 1 <= cost.data <= data, cost.calls
    assert cost.waits <= waits, cost.calls
    assert cost.other <= other, cost.calls


BULK_MIB = 256


@pytest.mark.timing
@pytest.mark.slow
def test_system_calls_of_much_in_a_flow(g):
    """Splicing takes as much as there is, and the bytes never come up to us."""
    block = bytes(1 << 20)

    def serve(connection, _):
        for _ in range(BULK_MIB):
            connection.sendall(block)

    with RawServer(serve) as server:
        coordinator = g.coordinator(server, listen=["tcp://127.0.0.1:0"])
        path = g.folder / "strace.out"
        tracer = traced(coordinator.pid, path)
        count = 0
        try:
            with socket.create_connection(("127.0.0.1", coordinator.port), 60) as connection:
                while more := connection.recv(1 << 20):
                    count += len(more)
        finally:
            calls = calls_of(tracer, path)
    assert count == BULK_MIB << 20
    cost = Cost(calls, BULK_MIB)
    copies = sum(calls.get(name, 0) for name in ("recvfrom", "sendto", "sendmsg"))
    print(f"a MiB of a flow: {cost.data:.2f} data, {cost.waits:.2f} waits, {cost.other:.2f} other; "
          f"{copies} copies in all: {calls}")
    assert calls.get("splice", 0) > 0, calls
    assert copies <= 40, calls
    # A receive and a send of 64 KiB each would be 32.
    assert cost.data <= 16, calls
    assert cost.waits <= 16, calls
    assert cost.other <= 0.5, calls

def anonymous_kib(pid):
    """Memory that is the process's own: heap and stacks, as far as they were touched."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1))


IDLE_WARM, IDLE = 1000, 4000
# Resident memory for each idle connection, at most: whole pages. To the byte it is counted by
# src/proxy/idle_memory_test.cc.
IDLE_BYTES = [("tcp", 1024), ("http-nolog", 640)]


@pytest.mark.timing
@pytest.mark.slow
@pytest.mark.parametrize("name,bytes_max", IDLE_BYTES, ids=[c[0] for c in IDLE_BYTES])
def test_memory_of_an_idle_connection(g, name, bytes_max):
    wanted = 2 * (IDLE_WARM + IDLE) + 100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"at most {hard} descriptors, wanted are {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    row = ROWS[name]
    try:
        with LockStep() as steps:
            coordinator = g.coordinator(steps, listen=(f"{row.scheme}://127.0.0.1:0",), threads=1,
                                        log=False)
            steps.leave_idle(row, coordinator.port, IDLE_WARM)
            before = anonymous_kib(coordinator.pid)
            steps.leave_idle(row, coordinator.port, IDLE)
            each = (anonymous_kib(coordinator.pid) - before) * 1024 / IDLE
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    print(f"{name}: {each:.0f} bytes")
    assert 100 < each <= bytes_max
