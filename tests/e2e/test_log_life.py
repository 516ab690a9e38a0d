"""A log tells the truth while it is written, and its file keeps nobody from ending."""
import re
import subprocess
import time

import pytest
from harness import GILIRAN, LISTENING, SLOW, TERM, await_records
from peers import until


def killed_with_its_last_record(g, server):
    """What a kill takes along is a matter of milliseconds: here it is the last line."""
    server.kill()
    lines = server.log.read_bytes().splitlines(keepends=True)
    assert b'"kind":"end"' not in lines[-1]
    server.log.write_bytes(b"".join(lines[:-1]))


def test_report_names_a_log_that_stops_without_its_end_mark(g):
    servers = g.servers(2)
    coordinator = g.coordinator(*servers)
    client = g.run_client(coordinator.url(), "-n", "100", "-c", "4")
    await_records(servers[0].log, 50)
    assert coordinator.stop() == 0
    killed_with_its_last_record(g, servers[0])
    assert servers[1].stop() == 0
    logs = [log.name for log in (client.log, coordinator.log, *[s.log for s in servers])]
    done = g.once("report", *logs)
    assert re.search(r"log without its end mark +server +1 +accounted", done.stdout), done.stdout
    assert "answered but not recorded" not in done.stdout
    assert "1. server-s1.log stops without its end mark" in done.stdout, done.stdout
    assert "s2.log stops" not in done.stdout
    assert done.returncode == 0, done.stdout


def test_every_tier_ends_its_log_with_the_mark(g):
    server = g.server("s1")
    coordinator = g.coordinator(server)
    client = g.run_client(coordinator.url(), "-n", "10")
    assert coordinator.stop() == 0 and server.stop() == 0
    for log in (client.log, coordinator.log, server.log):
        lines = log.read_text().splitlines()
        assert '"kind":"begin"' in lines[0] and '"kind":"end"' in lines[-1]
    done = g.once("report", client.log, coordinator.log, server.log)
    assert done.returncode == 0 and "end mark" not in done.stdout, done.stdout


class Stalled:
    """A process whose standard output, its log, is a pipe that nobody reads."""

    def __init__(self, folder, *args):
        self.err_path = folder / "stalled.err"
        with open(self.err_path, "wb") as err:
            self.process = subprocess.Popen([GILIRAN, *map(str, args), "--log", "-"],
                                            stdout=subprocess.PIPE, stderr=err,
                                            stdin=subprocess.DEVNULL)
        found = until(lambda: LISTENING.search(self.err), "listening", 20 * SLOW)
        self.port = found.group(3)

    @property
    def err(self):
        return self.err_path.read_text()

    def term_twice(self):
        """TERM, and once it is draining TERM again: how long it took to end after that."""
        self.process.send_signal(TERM)
        until(lambda: "draining" in self.err, "draining", 10 * SLOW)
        self.process.send_signal(TERM)
        began = time.monotonic()
        try:
            status = self.process.wait(10 * SLOW)
        finally:
            self.process.kill()
            self.process.stdout.close()
        return status, time.monotonic() - began


@pytest.mark.parametrize("full", ["drop", "wait"])
@pytest.mark.parametrize("role", ["coordinator", "server"])
def test_a_pipe_that_nobody_reads_does_not_outlive_a_second_term(g, role, full):
    args = {"coordinator": ["coordinator", "--listen", "http://127.0.0.1:0", "--threads", 1],
            "server": ["server", "--listen", "http://127.0.0.1:0", "--threads", 1]}[role]
    if role == "coordinator":
        args += ["--server", g.server("s1").address]
    stalled = Stalled(g.folder, *args, "--log-full", full)
    # More than a pipe (64 KiB) holds; a ring holds the rest, so that nobody waits yet.
    g.run_client(f"http://127.0.0.1:{stalled.port}/", "-n", "600", "-c", "2")
    status, seconds = stalled.term_twice()
    assert status == 1, stalled.err  # records were lost
    assert seconds < 5 * SLOW, stalled.err
    assert "nobody reads -" in stalled.err
    found = re.search(r"(\d+) records written, (\d+) dropped", stalled.err)
    assert int(found.group(1)) + int(found.group(2)) == 600, stalled.err
    assert int(found.group(2)) > 0, stalled.err
