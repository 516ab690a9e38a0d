"""HUP: a new configuration in the same process, under load, and bad ones that change nothing."""
import contextlib
import os
import random
import re
import resource
import signal
import socket
import threading
import time

import pytest
from harness import SLOW, USR1, counts, curl, exchange, records, status_of
from peers import RawServer, free_port, read_head, until

HUP = signal.SIGHUP
SAID = re.compile(r"reloaded: .*|reload refused, .*|reload ignored.*|nothing to reload.*")


class Configured:
    """A coordinator with a configuration file that a test writes anew."""

    def __init__(self, g, text, listeners=1, under=(), extra=()):
        self.path = g.folder / "giliran.toml"
        self.log = g.folder / "coordinator.log"
        self.write(text)
        args = ["coordinator", "-c", self.path, "--log", self.log, "--log-full", "wait", *extra]
        self.program = g._start("coordinator", args, listeners, under)
        self.program.log = self.log

    def write(self, text):
        """As editors do: a whole file in the place of the old one."""
        new = self.path.with_suffix(".new")
        new.write_text(text)
        os.replace(new, self.path)

    def said(self):
        return SAID.findall(self.program.err)

    def reload(self, text=None):
        """Writes and reloads; what the coordinator said of it."""
        if text is not None:
            self.write(text)
        before = len(self.said())
        self.program.signal(HUP)
        return until(lambda: self.said()[before:], "a word on the reload", 20 * SLOW)[0]


def listener(port, pool="app", name="web", scheme="http", more=""):
    return (f'[[listener]]\nname = "{name}"\naddress = "{scheme}://127.0.0.1:{port}"\n'
            f'pool = "{pool}"\n{more}\n')


def pool(*servers, name="app", more=""):
    """servers: programs, or (program, weight)."""
    texts = []
    for server in servers:
        server, weight = server if isinstance(server, tuple) else (server, None)
        address = getattr(server, "address", server)
        texts.append(f'"{address}"' if weight is None else f'"{address}={weight}"')
    return f'[[pool]]\nname = "{name}"\nservers = [{", ".join(texts)}]\n{more}\n'


def who(port):
    """The server that answered, by its name; empty where nobody did."""
    answer = exchange(port, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    return answer.split()[-1] if answer else b""


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.smoke
def test_servers_change_and_it_says_how(g):
    first, second, third = g.servers(3)
    web = listener(0)
    c = Configured(g, "threads = 2\n" + web + pool(first))
    port = c.program.port
    assert who(port) == b"s1"
    assert c.reload() == "reloaded: nothing changed"
    said = c.reload("threads = 2\n" + web + pool(second, third))
    assert said == (f"reloaded: pool app: 2 servers added ({second.address}, {third.address}), "
                    f"1 removed ({first.address})")
    assert {who(port) for _ in range(4)} == {b"s2", b"s3"}
    said = c.reload("threads = 2\n" + web + pool(second, (third, 3), more="in_flight_max = 100"))
    assert said == (f"reloaded: pool app: 2 servers changed ({second.address}: in_flight_max 100, "
                    f"was 0; {third.address}: weight 3, was 1, in_flight_max 100, was 0), options "
                    "changed (in_flight_max 100, was 0)")
    assert sorted(who(port) for _ in range(4)) == [b"s2", b"s3", b"s3", b"s3"]
    said = c.reload("[timeouts]\nidle_timeout = \"7s\"\n[limits]\nfields_max = 50\n" + web +
                    pool(second, "127.0.0.1:9=2"))
    assert "timeouts changed (idle_timeout 7s, was 1m); limits changed (fields_max 50, was 100)" \
        in said, said
    assert c.program.stop() == 0
    # The summary has those that were removed too.
    assert re.search(rf"server {first.address}, removed, chosen 1 time\n", c.program.err)


def test_what_needs_a_restart_is_said_and_stays(g):
    server = g.server("s1")
    rest = listener(0) + pool(server)
    c = Configured(g, "threads = 2\n" + rest)
    threads = len(os.listdir(f"/proc/{c.program.pid}/task"))
    for _ in range(2):  # still so the second time
        before = c.program.err
        assert c.reload("threads = 1\nseed = 5\n" + rest) == "reloaded: nothing changed"
        told = c.program.err[len(before):]
        assert "threads stays 2 until a restart" in told
        assert "seed stays random until a restart" in told
    assert len(os.listdir(f"/proc/{c.program.pid}/task")) == threads


def test_a_bad_file_changes_nothing_and_says_where(g):
    server = g.server("s1")
    c = Configured(g, listener(0) + pool(server))
    before = who(c.program.port)
    for text, said in [
            ("threads = [\n", r"giliran\.toml:\d+:\d+: "),
            (listener(0) + pool(server, more='policy = "fair"'), r"giliran\.toml:9:10: .*fair"),
            (listener(0, pool="ap") + pool(server), r"giliran\.toml:\d+:\d+: .*'ap'"),
            (listener(0) + pool("no-such-host.invalid:80"), r"pool 'app'.*no-such-host\.invalid"),
            (listener(0) + pool(server, server.address.replace("127.0.0.1", "localhost")),
             r"pool 'app'.*same server"),
            (listener(0) + listener(81, name="web") + pool(server), r"web"),
    ]:
        problem = c.reload(text)
        assert problem.startswith("reload refused, nothing has changed"), problem
        assert re.search(said, c.program.err), c.program.err
        assert who(c.program.port) == before
    os.unlink(c.path)
    assert c.reload().startswith("reload refused")
    assert c.reload(listener(0) + pool(server)) == "reloaded: nothing changed"


def test_by_flags_there_is_nothing_to_reload(g):
    coordinator = g.coordinator(g.server("s1"))
    coordinator.signal(HUP)
    until(lambda: "nothing to reload" in coordinator.err, "a word", 10 * SLOW)
    assert who(coordinator.port) == b"s1"


@pytest.mark.smoke
def test_listeners_come_and_go(g):
    """The address that stays is not closed; one that goes is free for others at once."""
    first, second = g.servers(2)
    old, new = free_port(), free_port()
    pools = pool(first) + pool(second, name="other")
    c = Configured(g, "threads = 2\n" + listener(0) + listener(old, name="old") + pools, 2)
    stays = c.program.port
    with socket.create_connection(("127.0.0.1", old), 10) as kept:
        kept.settimeout(20 * SLOW)
        kept.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert kept.recv(4096).startswith(b"HTTP/1.1 200")
        said = c.reload("threads = 2\n" + listener(0) + listener(new, "other", "new") + pools)
        assert said == (f"reloaded: 1 listener added (new http://127.0.0.1:{new}), 1 removed "
                        f"(old http://127.0.0.1:{old})")
        until(lambda: refused(old), "the old address is closed", 10 * SLOW)
        assert (who(new), who(stays)) == (b"s2", b"s1")
        # Who was connected to it goes on.
        kept.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert kept.recv(4096).startswith(b"HTTP/1.1 200")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", old))
    # And back again: it is a listener like any other.
    assert c.reload("threads = 2\n" + listener(0) + listener(old, name="old") + pools) == (
        f"reloaded: 1 listener added (old http://127.0.0.1:{old}), 1 removed "
        f"(new http://127.0.0.1:{new})")
    assert who(old) == b"s1"


def test_a_port_becomes_tcp_and_every_address(g):
    server = g.server("s1")
    port = free_port()
    c = Configured(g, "threads = 2\n" + listener(port) + pool(server))
    said = c.reload("threads = 2\n" + listener(port, scheme="tcp") + pool(server))
    assert said == (f"reloaded: 1 listener added (web tcp://127.0.0.1:{port}), 1 removed "
                    f"(web http://127.0.0.1:{port})")
    until(lambda: who(port) == b"s1" and
          counts(records(c.log), "kind")["flow"] > 0, "a flow", 10 * SLOW)
    everywhere = listener(port, scheme="tcp").replace("127.0.0.1", "*")
    assert c.reload("threads = 2\n" + everywhere + pool(server)) == (
        f"reloaded: 1 listener added (web tcp://0.0.0.0:{port}), 1 removed "
        f"(web tcp://127.0.0.1:{port})")
    assert who(port) == b"s1"


def test_a_unix_socket_goes_with_its_listener(g):
    server = g.server("s1")
    path = g.folder / "web.sock"
    unix = listener(0, name="unix").replace("127.0.0.1:0", f"unix:{path}").replace("http://", "")
    c = Configured(g, "threads = 2\n" + listener(0) + pool(server))
    for _ in range(2):
        assert c.reload("threads = 2\n" + listener(0) + unix + pool(server)) \
            == f"reloaded: 1 listener added (unix http://unix:{path})"
        assert curl("--unix-socket", path, "http://h/").stdout == b"s1\n"
        assert c.reload("threads = 2\n" + listener(0) + pool(server)) \
            == f"reloaded: 1 listener removed (unix http://unix:{path})"
        assert not path.exists()
    assert c.reload("threads = 2\n" + listener(0) + unix + pool(server)) \
        == f"reloaded: 1 listener added (unix http://unix:{path})"
    assert c.program.stop() == 0
    assert not path.exists()


def test_a_port_in_use_changes_nothing(g):
    first, second = g.servers(2)
    c = Configured(g, "threads = 2\n" + listener(0) + pool(first))
    free = free_port()
    descriptors = len(os.listdir(f"/proc/{c.program.pid}/fd"))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        said = c.reload("threads = 2\n" + listener(0) + listener(free, name="free") +
                        listener(taken, name="taken") + pool(second))
        assert "nothing has changed" in said and "listener 'taken'" in said, said
        assert f"127.0.0.1:{taken} is in use" in said
    assert who(c.program.port) == b"s1"
    assert refused(free), "half of it was done"
    assert len(os.listdir(f"/proc/{c.program.pid}/fd")) <= descriptors + 2  # to s1, and its client


def drip_server():
    """Answers with 100 pieces, one after the other."""
    def handle(connection, _):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x" * 200)
            time.sleep(0.02)  # what makes it slow, not a wait
    return RawServer(handle)


class Load:
    """A client of ours that asks until it is told to stop."""

    def __init__(self, g, url, name, *extra):
        self.program = g.client(url, "-d", "10m", "-c", "6", "--seed", "1", *extra, name=name)

    def end(self):
        self.program.signal(signal.SIGTERM)
        assert self.program.wait(30) == 128 + signal.SIGTERM, self.program.err
        return records(self.program.log)


@pytest.mark.slow
@pytest.mark.smoke
def test_twenty_reloads_under_load_lose_nothing(g):
    """Servers, weights, routes, limits and listeners change; a flow and a download go on."""
    rng = random.Random(7)
    servers = g.servers(4, "--delay", "1ms")
    echo = g.server("echo", listen=["tcp://127.0.0.1:0"])
    extra_port = free_port()

    with drip_server() as drip:
        def text(round_):
            chosen = [(s, rng.randint(1, 3)) for s in rng.sample(servers, rng.randint(1, 4))]
            routes = "".join(f'[[listener.route]]\npath = "/r{i}"\npool = "other"\n'
                             for i in range(rng.randint(0, 3)))
            drips = '[[listener.route]]\npath = "/drip"\npool = "drip"\n'
            tcp = "tcp" if round_ % 2 == 0 else "flows"  # the name changes, the address does not
            found = (f"threads = 2\n[limits]\nfields_max = {rng.randint(40, 100)}\n"
                     f'[timeouts]\nidle_timeout = "{rng.randint(20, 60)}s"\n' +
                     listener(0, more=routes + drips) +
                     listener(0, "echo", tcp, "tcp") +
                     pool(*chosen) + pool(echo, name="echo") + pool(drip, name="drip"))
            found += pool(*rng.sample(servers, 2), name="other",
                          more=f'policy = "{rng.choice(["round-robin", "least-requests"])}"')
            if round_ % 3 == 1:
                found += listener(extra_port, name="extra")
            return found

        c = Configured(g, text(0), 2)
        http, tcp = c.program.ports
        kept = Load(g, f"http://127.0.0.1:{http}/r1/x", "kept")
        fresh = Load(g, f"http://127.0.0.1:{http}/", "fresh", "--new-connection")
        download = bytearray()

        def fetch():
            while not done.is_set():
                one = curl(f"http://127.0.0.1:{http}/drip").stdout
                assert one == b"x" * 20000
                download.extend(one)
        done = threading.Event()
        fetcher = threading.Thread(target=fetch)
        fetcher.start()
        try:
            with socket.create_connection(("127.0.0.1", tcp), 10) as flow:
                flow.settimeout(20 * SLOW)
                for round_ in range(1, 21):
                    before = len(c.log.read_bytes())
                    said = c.reload(text(round_))
                    assert said.startswith("reloaded: "), said
                    until(lambda: len(c.log.read_bytes()) > before + 2000, "exchanges", 20 * SLOW)
                    flow.sendall(b"round %d\n" % round_)
                    assert flow.recv(4096) == b"echo round %d\n" % round_
        finally:
            done.set()
            fetcher.join(60 * SLOW)
        assert download, "no download came to its end"
        sent = kept.end() + fresh.end()
        assert c.program.stop() == 0
    assert counts(sent, "end") == {"ok": len(sent)}
    assert len(sent) > 500
    for server in (*servers, echo):
        assert server.stop() == 0
    found = records(c.log)
    spans = {r["span"] for r in sent}
    assert sum(r.get("parent") in spans for r in found) == len(sent)
    assert counts(found, "end") == {"ok": len(found)}
    flows = [r for r in found if r["kind"] == "flow"]
    assert len(flows) == 1
    # Of what our clients asked of our servers, every byte is accounted for.
    ours = g.folder / "ours.log"
    ours.write_text("".join(line for line in c.log.read_text().splitlines(keepends=True)
                            if drip.address not in line))
    report = g.once("report", kept.program.log, fresh.program.log, ours,
                    *[s.log for s in (*servers, echo)])
    assert report.returncode == 0, report.stdout
    assert sum(len(records(s.log)) for s in servers) == len(sent)


@pytest.mark.slow
def test_many_reloads_in_a_row(g):
    """None waits for the one before; what holds in the end is the last file."""
    first, second = g.servers(2)
    c = Configured(g, "threads = 2\n" + listener(0) + pool(first))
    for _ in range(30):
        c.write("threads = 2\n" + listener(0) + pool(first))
        c.program.signal(HUP)
        c.write("threads = 2\n" + listener(0) + pool(second))
        c.program.signal(HUP)
    until(lambda: who(c.program.port) == b"s2", "the last file holds", 10 * SLOW)
    assert not [s for s in c.said() if not s.startswith("reloaded: ")]


def test_a_reload_while_draining_is_ignored(g):
    asked, answer = threading.Event(), threading.Event()

    def handle(connection, _):
        read_head(connection)
        asked.set()
        answer.wait(60)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    with RawServer(handle) as server:
        c = Configured(g, listener(0) + pool(server))
        with socket.create_connection(("127.0.0.1", c.program.port), 10) as connection:
            connection.settimeout(20 * SLOW)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert asked.wait(20 * SLOW)
            c.program.signal(signal.SIGQUIT)
            until(lambda: "a second signal" in c.program.err, "it drains", 10 * SLOW)
            assert c.reload(listener(free_port()) + pool(server)).startswith("reload ignored")
            answer.set()
            assert status_of(connection.recv(65536)) == 200
        assert c.program.wait(20) == 0


def test_descriptors_are_kept_for_the_control(g):
    """At the limit of descriptors the log is opened anew and the configuration reloaded."""
    first, second = g.servers(2, "--delay", "5ms")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    c = Configured(g, "threads = 2\n" + listener(0) + pool(first),
                   under=("sh", "-c", 'ulimit -n 256; exec "$@"', "sh"))
    said = re.search(r"(\d+) connections \(256 descriptors\)", c.program.err)
    assert said and 60 <= int(said.group(1)) <= 96, c.program.err
    held = []
    try:
        for _ in range(400):
            with contextlib.suppress(ConnectionError):  # far above the limit: reset at once
                connection = socket.create_connection(("127.0.0.1", c.program.port), 10)
                held.append(connection)
                connection.sendall(b"GET /?delay=5s HTTP/1.1\r\nHost: h\r\n\r\n")
        until(lambda: "connections_max" in c.program.err, "the limit is told of", 20 * SLOW)
        moved = c.log.with_suffix(".moved")
        os.rename(c.log, moved)
        c.program.signal(USR1)
        until(c.log.exists, "the log is opened anew", 10 * SLOW)
        said = c.reload("threads = 2\n" + listener(0) + listener(0, name="new") +
                        pool(first, second))
        assert re.fullmatch(r"reloaded: 1 listener added \(new http://127\.0\.0\.1:\d+\); pool app: "
                            rf"1 server added \({second.address}\)", said), said
        assert "Too many open files" not in c.program.err
    finally:
        for connection in held:
            connection.close()
    assert (soft, hard) == resource.getrlimit(resource.RLIMIT_NOFILE)
    until(lambda: who(c.program.port) in (b"s1", b"s2"), "it serves on", 20 * SLOW)
    assert "Too many open files" not in c.program.err


def test_a_limit_that_the_descriptors_do_not_carry_is_told(g):
    c = Configured(g, "[limits]\nconnections_max = 5000\n" + listener(0) + pool(g.server("s1")),
                   under=("sh", "-c", 'ulimit -n 300; exec "$@"', "sh"))
    until(lambda: "not 5000" in c.program.err, "a warning", 10 * SLOW)
    assert re.search(r"300 descriptors carry; \d{5} would", c.program.err)


class Supervisor:
    """What Type=notify speaks to."""

    def __init__(self, folder):
        self.path = str(folder / "notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(20 * SLOW)

    def hear(self, word):
        heard = []
        while True:
            heard.append(self.socket.recv(4096).decode())
            if word in heard[-1]:
                return heard[-1]


def test_a_supervisor_is_told(g, monkeypatch):
    supervisor = Supervisor(g.folder)
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.path)
    server = g.server("s1")
    c = Configured(g, listener(0) + pool(server))
    assert supervisor.hear("READY=1")
    c.reload(listener(0) + pool(server, more="queue_max = 5"))
    assert "MONOTONIC_USEC=" in supervisor.hear("RELOADING=1")
    assert "pool app: options changed" in supervisor.hear("READY=1")
    c.reload("nonsense")
    assert supervisor.hear("RELOADING=1")
    assert "refused" in supervisor.hear("READY=1")
    c.program.signal(signal.SIGTERM)
    assert supervisor.hear("STOPPING=1")
    assert c.program.wait(10) == 0
