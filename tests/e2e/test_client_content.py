"""What the client asks: several targets, placeholders, replays of real logs."""
import collections
import datetime
import json
import re
import subprocess

import peers
import pytest
from harness import GILIRAN, SLOW, records

COMBINED = re.compile(r'^\S+ - - \[[^]]+\] "(\S+) (\S+) HTTP/1\.1" (\d+) \d+ "[^"]*" "([^"]*)"$')


def access_log(nginx):
    """(method, target, status, user agent) of every request that nginx has answered."""
    lines = (nginx.folder / "access.log").read_text().splitlines()
    return [COMBINED.match(line).groups() for line in lines]


def test_targets_are_mixed_by_weight_and_the_mix_follows_from_the_seed(g, nginx, tmp_path):
    (tmp_path / "order").write_text('{"n":{{seq}}}')
    (tmp_path / "targets").write_text(
        f"# a mix\n7 /any?kind=read\nX-Kind: read\n\n2 PUT http://{nginx.address}/any?kind=put\n"
        f"@{tmp_path / 'order'}\n\nDELETE /any?kind=delete\n")
    url = f"http://{nginx.address}"
    once = g.once("client", url, "--targets", tmp_path / "targets", "-n", 1000, "-c", 8, "--seed",
                  3, "--log", "a.log", "--log-full", "wait", "--json", "a.json")
    assert once.returncode == 0, once.stderr
    asked = collections.Counter((r["method"], r["target"]) for r in records(tmp_path / "a.log"))
    assert set(asked) == {("GET", "/any?kind=read"), ("PUT", "/any?kind=put"),
                          ("DELETE", "/any?kind=delete")}
    assert 620 < asked["GET", "/any?kind=read"] < 780
    assert 150 < asked["PUT", "/any?kind=put"] < 250
    seen = collections.Counter((m, t) for m, t, _, _ in access_log(nginx))
    assert seen == asked
    targets = json.loads((tmp_path / "a.json").read_text())["plan"]["targets"]
    assert [t["weight"] for t in targets] == [7, 2, 1]
    # The same seed asks the same of each number, whatever the threads and connections.
    again = g.once("client", url, "--targets", tmp_path / "targets", "-n", 1000, "-c", 3, "-t", 1,
                   "--seed", 3, "--log", "b.log", "--log-full", "wait", "-R", "5k")
    assert again.returncode == 0, again.stderr
    by_id = [{r["id"]: (r["method"], r["target"], r["body_in"]) for r in records(tmp_path / name)}
             for name in ("a.log", "b.log")]
    assert by_id[0] == by_id[1]


def test_placeholders_reach_the_server(g, nginx, tmp_path):
    url = f"http://{nginx.address}/any/../any?s={{{{seq}}}}&r={{{{rand:1..6}}}}&l={{{{{{{{"
    done = g.once("client", url, "-n", 300, "-c", 4, "-H", "User-Agent: <{{id}}>", "--seed", 9)
    assert done.returncode == 0, done.stderr + done.stdout
    found = access_log(nginx)
    assert len(found) == 300
    parts = [re.fullmatch(r"/any/\.\./any\?s=(\d+)&r=([1-6])&l=\{\{", t).groups()
             for _, t, _, _ in found]
    assert sorted(int(s) for s, _ in parts) == list(range(1, 301))
    assert len({r for _, r in parts}) == 6
    agents = {agent for _, _, _, agent in found}
    assert len(agents) == 300
    assert all(re.fullmatch(r"<[0-9a-f]{16}>", agent) for agent in agents)


def test_our_server_does_the_work_that_a_request_carries(g):
    server = g.server("s1", threads=2)
    done = g.once("client", server.url("/?delay={{dist:bimodal(1ms,50%:40ms)}}"), "-n", 60, "-c", 4,
                  "--json", "-", "--seed", 5)
    assert done.returncode == 0, done.stderr
    service = json.loads(done.stdout)["service_time"]
    assert service["min_us"] < 20_000 < 39_000 < service["max_us"]
    work = sorted(r["service_us"] for r in records_when_stopped(server))
    assert work[0] < 20_000 and work[-1] > 39_000


def records_when_stopped(server):
    server.stop()
    return records(server.log)


def test_refusals_say_what_to_mend(g, tmp_path):
    (tmp_path / "targets").write_text("GET http://127.0.0.1:1/\nnonsense\n")
    for args, expected in [
            (["http://127.0.0.1:1/{{sek}}"], "did you mean seq?"),
            (["http://127.0.0.1:1/", "http://127.0.0.1:2/"], "targets of a run are on one server"),
            (["http://{{seq}}:1/"], "placeholders stand in the path and the query"),
            (["http://127.0.0.1:1/", "-H", "A: {{nope}}"], "--header A: {{nope}}"),
            (["--targets", "targets"], "targets:2: URL 'nonsense'"),
            (["http://127.0.0.1:1/", "--replay", "targets"], "no request in it that can be sent"),
            ([], "no URL"),
    ]:
        done = g.once("client", *args)
        assert done.returncode == 2, (args, done)
        assert expected in done.stderr, (args, done.stderr)


def test_a_head_that_cannot_be_sent_is_refused_by_the_limits_name(g, tmp_path):
    (tmp_path / "headers").write_text("".join(f"X-{i}: {'v' * 1000}\n" for i in range(70)))
    for args in ([f"http://127.0.0.1:1/{'a' * 70_000}"],
                 ["http://127.0.0.1:1/", "--header-file", "headers"]):
        done = g.once("client", *args)
        assert done.returncode == 2, done.stderr
        assert "head_bytes_max (64KiB)" in done.stderr and len(done.stderr) < 500


def test_a_replay_leaves_out_what_is_too_long(g, tmp_path):
    server = g.server("s1")
    line = '1.2.3.4 - - [21/Nov/2026:23:00:01 +0000] "GET /{} HTTP/1.1" 200 1\n'
    (tmp_path / "long.log").write_text(
        line.format("a") + line.format("b" * 70_000) + line.format("c" * 3_000_000))
    done = g.once("client", server.url(), "--replay", "long.log", "--json", "-")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["plan"]["replay"]["too_long"] == result["plan"]["replay"]["skipped"] == 1
    assert result["plan"]["replay"]["unreadable"] == 1
    assert result["totals"]["answered"] == 1
    assert "(1 with a head above head_bytes_max, 64KiB)" in done.stderr


def test_a_body_is_a_file_as_in_curl(g, nginx, tmp_path):
    (tmp_path / "body").write_bytes(b"from a file\n")
    url = f"http://{nginx.address}/any"
    sent = {}
    for name, arg, stdin in (("file", "@body", b""), ("stdin", "@-", b"@ from a pipe"),
                             ("text", "text", b"")):
        log = tmp_path / f"{name}.log"
        done = subprocess.run([GILIRAN, "client", url, "-n", "1", "--body", arg, "--log", log],
                              cwd=tmp_path, input=stdin, capture_output=True)
        assert done.returncode == 0, done.stderr
        sent[name] = records(log)[0]["body_in"]
    assert sent == {"file": 12, "stdin": 13, "text": 4}
    missing = g.once("client", url, "--body", "@nofile")
    assert missing.returncode == 2 and "nofile: cannot be read" in missing.stderr


def test_a_real_nginx_log_is_replayed(g, nginx, tmp_path):
    # A log that nginx itself writes, of requests that another client sent.
    for path in ("/any?x=1", "/any?y=%20%22q%22", "/any"):
        assert g.once("client", f"http://{nginx.address}{path}", "-n", 20, "-c", 2).returncode == 0
    log = tmp_path / "recorded.log"
    log.write_text((nginx.folder / "access.log").read_text() + "not a line of a log\n")
    before = len(access_log(nginx))
    done = g.once("client", f"http://{nginx.address}", "--replay", log, "--speed", 4, "--json", "-",
                  "-H", "User-Agent: replay")
    assert done.returncode == 0, done.stderr
    assert "1 line NOT UNDERSTOOD (line 61: not a line of a log)" in done.stderr
    plan = json.loads(done.stdout)["plan"]
    assert plan["loop"] == "open" and plan["arrivals"] == "replay"
    assert plan["replay"]["format"] == "combined"
    assert plan["replay"]["requests"] == 60 and plan["replay"]["unreadable"] == 1
    replayed = access_log(nginx)[before:]
    assert {agent for _, _, _, agent in replayed} == {"replay"}
    assert collections.Counter(t for _, t, _, _ in replayed) == \
        collections.Counter({"/any?x=1": 20, "/any?y=%20%22q%22": 20, "/any": 20})


def test_our_log_is_replayed_at_its_own_timing(g, tmp_path):
    server = g.server("s1")
    coordinator = g.coordinator(server)
    recorded = g.run_client(coordinator.url("/a"), "-n", 40, "-R", "40", "-m", "PUT", "--body",
                            "x" * 100)
    assert recorded.wait(1) == 0
    coordinator.stop()
    log = records(coordinator.log)
    assert len(log) == 40
    done = g.once("client", server.url(), "--replay", coordinator.log, "--speed", 2, "--json", "-",
                  "--log", "replay.log", "--log-full", "wait")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["plan"]["replay"]["format"] == "giliran"
    # 39 steps of 25 ms, in half the time: as they came, whatever the machine had else to do.
    came = sorted(datetime.datetime.fromisoformat(r["ts"]) for r in log)
    length = (came[-1] - came[0]).total_seconds() / 2
    assert result["plan"]["duration_s"] == pytest.approx(length, abs=1e-5)
    assert length < result["elapsed_s"] < length + 2 * SLOW
    replayed = records(tmp_path / "replay.log")
    assert {(r["method"], r["target"], r["body_in"]) for r in replayed} == {("PUT", "/a", 100)}


def test_a_real_haproxy_log_is_replayed(g, nginx, tmp_path):
    """Lines that haproxy itself writes: its log goes to a socket that is read here."""
    import socket
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(10)
        folder = tmp_path / "haproxy"
        folder.mkdir()
        port = peers.free_port()
        conf = folder / "haproxy.cfg"
        conf.write_text(f"""
global
  log 127.0.0.1:{log.getsockname()[1]} local0
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend in
  bind 127.0.0.1:{port}
  default_backend out
backend out
  server s1 {nginx.address}
""")
        command = [peers.binary("haproxy"), "-db", "-f", str(conf)]
        with peers.Peer("haproxy", folder, command, port):
            url = f"http://127.0.0.1:{port}/any?q=%23{{{{seq}}}}"
            done = g.once("client", url, "-n", 20, "-c", 1)
            assert done.returncode == 0, done.stderr
            lines = []
            while sum("/any?q=" in line for line in lines) < 20:
                lines.append(log.recv(65536).decode().rstrip("\n"))
    (tmp_path / "haproxy.log").write_text("\n".join(lines) + "\n")
    before = len(access_log(nginx))
    done = g.once("client", f"http://{nginx.address}", "--replay", tmp_path / "haproxy.log",
                  "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["plan"]["replay"]["format"] == "httplog"
    replayed = [t for _, t, _, _ in access_log(nginx)[before:]]
    assert sorted(replayed) == sorted(f"/any?q=%23{n}" for n in range(1, 21))
