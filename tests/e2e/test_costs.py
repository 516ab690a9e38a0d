"""What an exchange costs the kernel: exact counts, not times."""
import re
import signal
import subprocess

import pytest
from harness import await_records, records
from peers import until

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


@pytest.mark.timing
@pytest.mark.slow
def test_system_calls_of_a_keep_alive_exchange(g):
    """At most four that move data (receive and send on each side), and waits shared by many."""
    coordinator = g.coordinator(*g.servers(2), threads=2)
    g.run_client(coordinator.url(), "-n", "200", "-c", "8", name="warm")
    await_records(coordinator.log, 200)
    path = g.folder / "strace.out"
    tracer = traced(coordinator.pid, path)
    try:
        g.run_client(coordinator.url(), "-n", EXCHANGES, "-c", "8", name="measured")
        await_records(coordinator.log, 200 + EXCHANGES)
    finally:
        calls = calls_of(tracer, path)
    until(lambda: len(records(coordinator.log)) == 200 + EXCHANGES, "records")
    data = sum(count for name, count in calls.items() if name in DATA_CALLS)
    waits = calls.get("epoll_wait", 0) + calls.get("epoll_pwait", 0) + calls.get("epoll_pwait2", 0)
    assert data >= EXCHANGES, f"strace did not see it: {calls}"
    # The slack is the log's writes (one a 100 ms at most) and what connecting costs.
    assert data <= 4 * EXCHANGES + 400, calls
    assert waits <= 2 * EXCHANGES, calls
    other = sum(calls.values()) - data - waits
    assert other <= 0.1 * EXCHANGES, f"calls that neither move data nor wait: {calls}"
