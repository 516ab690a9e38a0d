"""How a coordinator ends, and how another takes its place on the sockets of a supervisor."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest
from harness import GILIRAN, SLOW, TERM, await_records, counts, curl, exchange, records, status_of
from peers import RawServer, free_port, read_head, until
from test_reload import Configured, listener, pool, who


class Held:
    """A server that answers when it is told to: `asked` requests have come."""

    def __init__(self):
        self.asked = 0
        self.answer = threading.Event()
        self.server = RawServer(self._handle)
        self.address = self.server.address

    def _handle(self, connection, _):
        while read_head(connection)[0]:
            self.asked += 1
            self.answer.wait(60)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nheld\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answer.set()
        self.server.__exit__()


@pytest.fixture
def held():
    with Held() as server:
        yield server


def ask(port, request=b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"):
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.settimeout(20 * SLOW)
    connection.sendall(request)
    return connection


def drained(program):
    until(lambda: "a second signal" in program.err, "it drains", 10 * SLOW)


@pytest.mark.smoke
def test_progress_says_what_is_left(g, held):
    echo = g.server("echo", listen=["tcp://127.0.0.1:0"])
    c = Configured(g, "threads = 2\n" + listener(0) + listener(0, "echo", "tcp", "tcp") +
                   pool(held) + pool(echo, name="echo"), 2)
    http, tcp = c.program.ports
    with ask(http) as one, ask(http) as two, ask(tcp, b"x\n") as flow:
        assert flow.recv(100) == b"echo x\n"
        until(lambda: held.asked == 2, "both are under way")
        c.program.signal(signal.SIGQUIT)
        until(lambda: "draining: 3 connections, 2 exchanges, 1 flow left" in c.program.err,
              "progress", 20 * SLOW)
        held.answer.set()
        for connection in (one, two):
            answer = connection.recv(4096)
            assert status_of(answer) == 200 and b"connection: close" in answer.lower()
        until(lambda: "draining: 1 connection, 0 exchanges, 1 flow left" in c.program.err,
              "progress", 20 * SLOW)
    assert c.program.wait(20) == 0
    assert re.search(r"2 exchanges, 1 flows .* 0 cut at the end", c.program.err)


def test_term_ends_within_its_time_and_counts_what_it_cut(g, held):
    c = Configured(g, 'drain_timeout = "1s"\n' + listener(0) + pool(held))
    with ask(c.program.port):
        until(lambda: held.asked == 1, "it is under way")
        c.program.signal(TERM)
        assert c.program.wait(10) == 0
    assert "draining for at most 1s" in c.program.err
    assert "1 cut at the end" in c.program.err
    record, = await_records(c.log, 1)
    assert (record["end"], record["by"]) == ("shutdown", "coordinator")


def test_the_time_of_a_drain_is_reloaded(g, held):
    rest = listener(0) + pool(held)
    c = Configured(g, 'drain_timeout = "1h"\n' + rest)
    assert c.reload('drain_timeout = "1s"\n' + rest) == "reloaded: drain_timeout 1s, was 1h"
    with ask(c.program.port):
        until(lambda: held.asked == 1, "it is under way")
        c.program.signal(TERM)
        assert c.program.wait(10) == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_quit_waits_and_a_second_signal_cuts(g, held, second):
    c = Configured(g, 'drain_timeout = "100ms"\n' + listener(0) + pool(held))
    with ask(c.program.port):
        until(lambda: held.asked == 1, "it is under way")
        c.program.signal(signal.SIGQUIT)
        # Longer than the drain of a TERM would be: its bound does not hold for QUIT.
        until(lambda: "draining: 1 connection" in c.program.err, "progress", 20 * SLOW)
        assert c.program.process.poll() is None
        c.program.signal(second)
        assert c.program.wait(10) == 0
    assert "1 cut at the end" in c.program.err


def test_idle_connections_are_closed_at_once(g):
    coordinator = g.coordinator(g.server("s1"))
    with ask(coordinator.port) as idle:
        assert status_of(idle.recv(4096)) == 200
        coordinator.signal(signal.SIGQUIT)
        assert idle.recv(4096) == b""
    assert coordinator.wait(10) == 0


def test_a_request_on_its_way_is_answered(g):
    """Who has connected, but whose request has not come yet, is not turned away."""
    coordinator = g.coordinator(g.server("s1"), threads=1)
    with socket.create_connection(("127.0.0.1", coordinator.port), 10) as late:
        late.settimeout(20 * SLOW)
        assert who(coordinator.port) == b"s1"  # it has been accepted, too
        coordinator.signal(signal.SIGQUIT)
        drained(coordinator)
        late.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        answer = late.recv(4096)
        assert status_of(answer) == 200 and b"connection: close" in answer.lower()
    assert coordinator.wait(20) == 0


# --- sockets of a supervisor ---

# Passes descriptor 3 on, as sd_listen_fds(3) says.
START = """
import os, sys
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")
fd = int(sys.argv[1])
if fd != 3:
    os.dup2(fd, 3)
os.set_inheritable(3, True)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Supervisor:
    """Holds the listening socket, and starts coordinators on it one after the other."""

    def __init__(self, g, bound, *args):
        self.g, self.socket, self.args = g, bound, args
        self.count = 0

    def start(self, listening=1):
        self.count += 1
        err = self.g.folder / f"supervised{self.count}.err"
        with open(err, "wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-c", START, str(self.socket.fileno()), GILIRAN, "coordinator",
                 *map(str, self.args)], stderr=out, stdin=subprocess.DEVNULL,
                pass_fds=[self.socket.fileno()], close_fds=True)
        until(lambda: err.read_text().count("listening on") >= listening or process.poll(),
              "it listens", 20 * SLOW)
        process.err = err
        assert process.poll() is None, err.read_text()
        return process


def bound_socket():
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(1024)
    return listening


class Askers:
    """Clients that connect anew for each request, and never expect to be turned away."""

    def __init__(self, port, count=4):
        self.port = port
        self.answers, self.failures = 0, []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        while not self.stop.is_set():
            try:
                with ask(self.port, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n") as c:
                    answer = b""
                    while piece := c.recv(4096):
                        answer += piece
                if status_of(answer) != 200:
                    raise ValueError(f"answered {answer!r}")
                self.answers += 1
            except (OSError, ValueError) as problem:
                self.failures.append(repr(problem))

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(60 * SLOW)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["address", "fd@3"])
def test_a_restart_on_an_inherited_socket_refuses_nobody(g, how):
    servers = g.servers(2, "--delay", "2ms")
    log = g.folder / "coordinator.log"
    with bound_socket() as bound:
        port = bound.getsockname()[1]
        where = f"http://127.0.0.1:{port}" if how == "address" else "http://fd@3"
        supervisor = Supervisor(g, bound, "--listen", where, "--threads", 2, "--log", log,
                                "--log-full", "wait", *[a for s in servers
                                                        for a in ("--server", s.address)])
        running = supervisor.start()
        askers = Askers(port)
        try:
            for _ in range(2):
                before = askers.answers
                until(lambda: askers.answers > before + 200 or askers.failures, "load", 20 * SLOW)
                running.send_signal(TERM)
                assert running.wait(20 * SLOW) == 0
                running = supervisor.start()
            before = askers.answers
            until(lambda: askers.answers > before + 200 or askers.failures, "load", 20 * SLOW)
        finally:
            askers.end()
            running.terminate()
            assert running.wait(20 * SLOW) == 0
        assert not askers.failures, askers.failures[:5]
        assert counts(records(log), "end") == {"ok": askers.answers}
        assert "cut at the end" in running.err.read_text()


def test_an_inherited_socket_that_nothing_uses_is_told_of(g):
    server = g.server("s1")
    with bound_socket() as bound:
        port = bound.getsockname()[1]
        supervisor = Supervisor(g, bound, "--listen", "127.0.0.1:0", "--server", server.address)
        running = supervisor.start()
        try:
            until(lambda: f"inherited fd@3 (127.0.0.1:{port}) is used by no listener" in
                  running.err.read_text(), "a warning", 10 * SLOW)
        finally:
            running.terminate()
            running.wait(20 * SLOW)


def test_a_descriptor_that_was_not_passed(g):
    done = g.once("coordinator", "--listen", "fd@9", "--server", "127.0.0.1:9")
    assert done.returncode == 2
    assert "fd@9" in done.stderr and "not open" in done.stderr, done.stderr


def test_an_inherited_unix_socket_stays_when_it_ends(g):
    server = g.server("s1")
    path = g.folder / "web.sock"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        bound.listen(100)
        supervisor = Supervisor(g, bound, "--listen", f"unix:{path}", "--server", server.address)
        for _ in range(2):
            running = supervisor.start()
            assert curl("--unix-socket", path, "http://h/").stdout == b"s1\n"
            running.terminate()
            assert running.wait(20 * SLOW) == 0
            assert path.exists()


def test_an_inherited_listener_is_left_and_taken_up_again_by_reloads(g):
    server = g.server("s1")
    file = g.folder / "giliran.toml"
    with bound_socket() as bound:
        port = bound.getsockname()[1]
        both = "threads = 2\n" + listener(0) + listener(port, name="passed") + pool(server)
        file.write_text(both)
        supervisor = Supervisor(g, bound, "-c", file)
        running = supervisor.start(2)
        try:
            for text, said in [("threads = 2\n" + listener(0) + pool(server), "1 listener removed"),
                               (both, "1 listener added")]:
                file.write_text(text)
                before = running.err.read_text().count(said)
                running.send_signal(signal.SIGHUP)
                until(lambda: running.err.read_text().count(said) > before, said, 20 * SLOW)
            assert who(port) == b"s1"
        finally:
            running.terminate()
            assert running.wait(20 * SLOW) == 0


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"),
                    reason="systemd-socket-activate is not here")
def test_socket_activation_by_systemd(g):
    server = g.server("s1")
    port = free_port()
    err = g.folder / "activated.err"
    with open(err, "wb") as out:
        activator = subprocess.Popen(
            ["systemd-socket-activate", "-l", f"127.0.0.1:{port}", GILIRAN, "coordinator",
             "--listen", f"127.0.0.1:{port}", "--server", server.address], stderr=out,
            env={**os.environ, "LISTEN_FDS": ""})
    try:
        until(lambda: "Listening on" in err.read_text() or activator.poll(), "it listens",
              10 * SLOW)
        answer = exchange(port, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert status_of(answer) == 200, err.read_text()
    finally:
        activator.terminate()
        activator.wait(20 * SLOW)
