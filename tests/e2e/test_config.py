"""A configuration file: giliran check, and a coordinator that does what the file says."""
import re
import sys

import pytest
from harness import SLOW, await_records, curl, exchange, is_open, status_of
from peers import RawServer, free_port, read_head, until

GOOD = """\
threads = 1
[[listener]]
address = "http://127.0.0.1:0"
pool = "app"
[[pool]]
name = "app"
servers = ["127.0.0.1:9", "127.0.0.1:10=3"]
"""


def write(g, text, name="giliran.toml"):
    path = g.folder / name
    path.write_text(text)
    return path


def start(g, text, *extra, listeners=1):
    log = g.folder / "coordinator.log"
    args = ["coordinator", "-c", write(g, text), "--log", log, "--log-full", "wait", *extra]
    program = g._start("coordinator", args, listeners)
    program.log = log
    return program


def ask(port, method="GET", target="/", host="h", fields=""):
    """(status, head, body) of one request on a connection of its own."""
    answer = exchange(port, f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{fields}"
                            "Connection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    return status_of(answer), head.decode("latin-1"), body


def heads(said):
    """A server that keeps the heads it was sent, each asked on a connection of its own."""
    def handle(connection, number):
        head, _ = read_head(connection)
        if head:
            said.append(head.decode("latin-1"))
            connection.sendall(b"HTTP/1.1 200 OK\r\nServer: raw\r\nX-Old: 1\r\nContent-Length: 3"
                               b"\r\nConnection: close\r\n\r\nraw")
    return RawServer(handle)


# --- one address twice ---

def test_one_address_twice_is_two_servers_where_each_has_a_name(g):
    server = g.server("s1")
    pair = "servers = [" + ", ".join(f'{{ address = "{server.address}", name = "{name}" }}'
                                     for name in ("blue", "green"))
    pair += "]\nsticky_cookie = \"turn\"\n"
    text = GOOD.replace('servers = ["127.0.0.1:9", "127.0.0.1:10=3"]', pair)
    coordinator = start(g, text)
    cookies = {}
    for _ in range(2):
        head = ask(coordinator.port)[1]
        cookies[len(cookies)] = re.search(r"Set-Cookie: (turn=\w+)", head)[1]
    assert cookies[0] != cookies[1]
    for _ in range(3):
        ask(coordinator.port, fields=f"Cookie: turn=0123456789abcdef; {cookies[1]}\r\n")
    found = await_records(coordinator.log, 5)
    assert [r["server"] for r in found] == ["blue", "green", "green", "green", "green"]
    assert {r["upstream"] for r in found} == {server.address}
    done = g.once("check", write(g, text.replace(', name = "green"', ""), "unnamed.toml"))
    assert done.returncode == 2 and "to have it twice a name each" in done.stderr


# --- giliran check ---

def test_check_says_what_a_good_file_has(g):
    path = write(g, GOOD)
    done = g.once("check", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: good: 1 listener, 1 pool, 2 servers\n"


@pytest.mark.smoke
def test_check_says_all_that_is_wrong(g):
    path = write(g, GOOD.replace("threads = 1", "treads = 1").replace('"app"', '"ap"', 1)
                 + "queue_timeout = 5\npolicy = \"fair\"\n")
    done = g.once("check", path)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert [re.sub(r"^.*giliran\.toml:", "", line) for line in lines] == [
        "1:1: unknown key 'treads'; did you mean 'threads'?",
        "4:8: key 'listener.pool': bad value 'ap': there is no such pool; did you mean 'app'?",
        "8:17: key 'pool.queue_timeout': bad value '5': expected a time in quotes, with its unit, "
        'such as "250ms", "5s", "2m"',
        "9:10: key 'pool.policy': bad value 'fair': expected one of round-robin, least-requests"]
    assert all(line.startswith(f"{path}:") for line in lines)


def test_the_effective_configuration_is_one(g):
    first = g.once("check", "--print", write(g, GOOD))
    assert first.returncode == 0
    assert 'connect_timeout = "5s"' in first.stdout
    second = g.once("check", "--print", write(g, first.stdout, "effective.toml"))
    assert second.stdout == first.stdout


@pytest.mark.parametrize("name", ["missing.toml", ".", "pipe"])
def test_check_of_what_is_no_file(g, name):
    if name == "pipe":
        write(g, '[answers]\n503.file = "/dev/zero"\n', "pipe")
    done = g.once("check", g.folder / name)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_coordinator_refuses_what_check_does(g):
    path = write(g, GOOD.replace("threads", "threds"))
    done = g.once("coordinator", "-c", path)
    assert done.returncode == 2
    assert done.stderr == ("giliran coordinator: the configuration is not good\n"
                           f"{path}:1:1: unknown key 'threds'; did you mean 'threads'?\n")


# --- a coordinator with a file ---

@pytest.mark.smoke
def test_routes(g):
    """By host, path, method and header; redirects, answers and changes to header fields."""
    said = []
    with heads(said) as raw:
        app, beta = g.servers(2)
        (g.folder / "sorry.html").write_text("<p>none</p>")
        c = start(g, f"""
[answers]
404 = {{ content_type = "text/html", file = "sorry.html" }}
[[listener]]
name = "web"
address = "http://127.0.0.1:0"
[[listener.route]]
path = "/health"
answer = {{ status = 200, body = "good\\n" }}
[[listener.route]]
host = ["old.example", "*.old.example"]
redirect = {{ status = 308, to = "https://new.example{{path}}" }}
[[listener.route]]
name = "upload"
path = "/api"
method = "POST"
pool = "raw"
request_headers = {{ set = {{ X-Tier = "raw" }}, remove = ["Cookie"], add = {{ X-More = "1" }} }}
response_headers = {{ remove = "X-Old", set = {{ Server = "ours" }} }}
body_bytes_max = 4
[[listener.route]]
path = "/api"
header = {{ X-Beta = true }}
pool = "beta"
[[listener.route]]
path = "/api"
pool = "app"
[[pool]]
name = "app"
servers = "{app.address}"
[[pool]]
name = "beta"
servers = "{beta.address}"
[[pool]]
name = "raw"
servers = "{raw.address}"
""")
        assert ask(c.port, target="/health")[::2] == (200, b"good\n")
        status, head, _ = ask(c.port, target="/a?b=c", host="x.OLD.example:8080")
        assert status == 308 and "\r\nLocation: https://new.example/a?b=c" in head, head
        assert ask(c.port, target="/api/x")[::2] == (200, b"s1\n")
        assert ask(c.port, target="/api/x", fields="x-beta: no\r\n")[::2] == (200, b"s2\n")
        status, head, body = ask(c.port, "POST", "/api",
                                 fields="Cookie: a=b\r\nX-Tier: mine\r\nX-More: 0\r\n"
                                        "Content-Length: 0\r\n")
        assert (status, body) == (200, b"raw")
        assert "\r\nServer: ours" in head and "X-Old" not in head, head
        sent = said[0].lower()
        assert "cookie" not in sent and sent.count("x-tier:") == 1, sent
        assert "x-tier: raw\r\n" in sent and sent.count("x-more:") == 2, sent
        too_long = exchange(c.port, b"POST /api HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                                    b"Content-Length: 5\r\n\r\n12345")
        assert status_of(too_long) == 413 and len(said) == 1
        status, head, body = ask(c.port, target="/apis")
        assert (status, body) == (404, b"<p>none</p>") and "Content-Type: text/html" in head
    routes = [r.get("route", "") for r in await_records(c.log, 7)]
    assert sorted(routes) == ["", "route-1", "route-2", "route-4", "route-5", "upload", "upload"]


def test_every_kind_of_listener_and_pool(g):
    """http and tcp, a Unix socket, weights; flags add to what the file has."""
    first, second, third = g.servers(3)
    path = g.folder / "web.sock"
    c = start(g, f"""
threads = 1
[[listener]]
address = "http://127.0.0.1:0"
pool = "app"
[[listener]]
address = "tcp://127.0.0.1:0"
pool = "app"
[[listener]]
name = "local"
address = "http://unix:{path}"
pool = "app"
[[pool]]
name = "app"
servers = [{{ address = "{first.address}", name = "one" }}, "{second.address}=3"]
""", "--listen", "http://127.0.0.1:0", "--server", third.address, listeners=3)
    for port in c.ports[:2]:
        answers = sorted(ask(port)[2] for _ in range(4))
        assert answers == [b"s1\n"] + 3 * [b"s2\n"], answers
    assert ask(c.ports[2])[2] == b"s3\n"
    assert curl("--unix-socket", path, "http://h/").stdout in (b"s1\n", b"s2\n")
    found = await_records(c.log, 10)
    assert {"one", second.address, third.address} == {r["server"] for r in found}
    assert {r["pool"] for r in found} == {"app", "default"}
    assert "local" in {r["name"] for r in found}


def start_quiet(g, text, port, *extra):
    """One that does not say where it listens."""
    program = start(g, text, *extra, listeners=0)
    program.port = port
    until(lambda: is_open(port), "it listens", 20 * SLOW)
    return program


def test_flags_override_the_file(g):
    server, port = g.server("s1"), free_port()
    text = f"""
quiet = true
[log]
path = "of-the-file.log"
format = "combined"
[limits]
head_bytes_max = "4KiB"
target_bytes_max = "2KiB"
[[listener]]
address = "http://127.0.0.1:{port}"
pool = "app"
[[pool]]
name = "app"
servers = "{server.address}"
"""
    long = "X: " + 5000 * "x" + "\r\n"
    by_file = start_quiet(g, text, port)
    assert ask(by_file.port)[0] == 200 and ask(by_file.port, fields=long)[0] == 431
    assert by_file.stop() == 0
    assert by_file.err == ""  # quiet
    assert not (g.folder / "of-the-file.log").exists()
    assert re.search(r'"GET / HTTP/1.1" 200', by_file.log.read_text())
    by_flags = start_quiet(g, text, port, "--head-bytes-max", "16KiB", "--log-format", "json")
    assert ask(by_flags.port, fields=long)[0] == 200
    assert by_flags.stop() == 0
    assert by_flags.log.read_text().splitlines()[-1].startswith("{")


INHERIT = """\
import os, socket, sys
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
os.dup2(s.fileno(), 7)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def test_a_listener_on_an_inherited_descriptor(g):
    server = g.server("s1")
    path = write(g, f"""
[[listener]]
address = "http://fd@7"
pool = "app"
[[pool]]
name = "app"
servers = "{server.address}"
""")
    c = g._start("coordinator", ["coordinator", "-c", path], 1,
                 under=[sys.executable, "-c", INHERIT])
    assert ask(c.port)[::2] == (200, b"s1\n")
