"""Labs of tiny scenarios: timelines, deaths, interrupts, reruns, numbers of threads."""
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest
from harness import GILIRAN, SLOW, await_records, counts, records, until

TIMELINE = """
scenario = "events"
about = "everything that may happen"
expect = ["errors<50%"]

[coordinator]
mark_down_after = 3

[coordinator.timeouts]
backoff_first = "100ms"
backoff_max = "200ms"

[[servers]]
count = 3
delay = "2ms"

[[servers]]
name = "spare"
role = "spare"

[client]
connections = 10
duration = "2s"

[[timeline]]
at = "100ms"
do = "kill"
server = "server-1"

[[timeline]]
at = "400ms"
do = "start"
server = "server-1"

[[timeline]]
at = "500ms"
do = "stop"
server = "server-2"

[[timeline]]
at = "700ms"
do = "continue"
server = "server-2"

[[timeline]]
at = "900ms"
do = "change"
server = "server-3"
delay = "40ms"

[[timeline]]
at = "1100ms"
do = "add"
server = "spare"

[[timeline]]
at = "1300ms"
do = "drain"
server = "server-3"

[[timeline]]
at = "1500ms"
do = "weight"
server = "spare"
weight = 3
"""

PLAIN = """
scenario = "plain"
about = "two servers"
{top}

[[servers]]
count = 2
delay = "1ms"
{server}

[client]
connections = 5
duration = "{duration}"
{rest}
"""


def plain(top="", server="", duration="400ms", rest=""):
    return PLAIN.format(top=top, server=server, duration=duration, rest=rest)


def scenario(g, text, *args, seconds=60):
    (g.folder / "s.toml").write_text(text)
    return g.once("lab", "s.toml", "--out", "out", *args, seconds=seconds)


def result(g, folder="out"):
    return json.loads((g.folder / folder / "result.json").read_text())


def own_processes(folder):
    """Command lines of what runs with this folder in one of its arguments."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                cwd = os.readlink(entry / "cwd")
            except OSError:
                continue
            if words[0] == GILIRAN.encode() and cwd == str(folder):
                found.append((int(entry.name), b" ".join(words).decode()))
    return found


def ports_of(stderr):
    return {int(port) for port in re.findall(r"listening on \w+://127\.0\.0\.1:(\d+)", stderr)}


def listening_ports():
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return {int(line.split()[1].split(":")[1], 16) for line in lines if line.split()[3] == "0A"}


@pytest.mark.smoke
def test_a_timeline_under_load(g):
    done = scenario(g, TIMELINE)
    assert done.returncode == 0, done.stdout + done.stderr
    run = result(g)["runs"][0]
    marks = run["marks"]
    assert [m["text"].split()[0] for m in marks] == [
        "kill", "start", "stop", "continue", "change", "add", "drain", "weight"]
    for mark in marks:
        late = mark["t_s"] - mark["planned_s"]
        assert -0.05 < late < 1 * SLOW, mark
        assert mark.get("late", False) == (late > 0.1) or abs(late - 0.1) < 0.05, mark
    folder = g.folder / "out" / run["name"]
    assert [m["text"] for m in json.loads((folder / "client.json").read_text())["marks"]] == [
        m["text"] for m in marks]
    # Whatever happened to servers, each exchange of the client is one of the coordinator.
    sent, found = records(folder / "client.log"), records(folder / "coordinator.log")
    assert len(sent) == len(found) > 100
    assert counts(sent, "end").keys() <= {"ok", "server-closed"}
    turns = run["turns"]["servers"]
    assert turns["spare"] > 20, "it was added"
    begin = min(r["ts"] for r in found)
    assert begin and max(r["ts"] for r in found if r.get("server", "").endswith(
        addresses(folder)["server-3"])) < max(r["ts"] for r in found), "it was drained"
    processes = {p["name"]: p for p in run["processes"]}
    assert processes["server-1"]["starts"] == 2
    assert all(p["ended"] == "0" for p in processes.values())
    assert all(p["user_s"] + p["system_s"] > 0 for p in processes.values())
    assert all(1 << 20 < p["memory_max_bytes"] < 1 << 28 for p in processes.values())
    # It became slow by its file, and says so.
    assert "delay = \"40ms\"" in (folder / "server-3.toml").read_text()
    said = (folder / "stderr.txt").read_text()
    assert re.search(r"server-3: .*server-3\.toml read again: delay 40ms", said), said
    slow = [r["service_us"] for r in records(folder / "server-3.log") if r["kind"] == "exchange"]
    assert max(slow) > 39_000 and min(slow) < 30_000
    assert "What happened meanwhile" in done.stdout
    # What a killed server could not write down is no alarm, anywhere.
    assert run["conservation"]["killed"]
    if not run["conservation"]["conserved"]:
        assert run["conservation"]["judged"] is False
        assert "the timeline killed server-1" in done.stdout
    assert "NOT conserved" not in done.stdout
    assert own_processes(g.folder) == []


def addresses(folder):
    """Where the servers were, from what they said."""
    said = (folder / "stderr.txt").read_text()
    return dict(re.findall(r"(?m)^ *[\d.]+ ([\w-]+): listening on \w+://[\d.]+(:\d+)", said))


def test_an_event_after_the_end_is_told(g):
    text = plain(top="", duration="10s", rest="requests = 20\n[[timeline]]\nat = \"9s\"\n"
                 "do = \"kill\"\nserver = \"server-1\"\n").replace('duration = "10s"\n', "")
    done = scenario(g, text)
    if done.returncode == 2:
        assert "timeline" in done.stderr, "refused before the start is as good"
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert result(g)["runs"][0]["marks"] == []
    assert "did not happen" in done.stdout


def test_a_server_that_dies_ends_the_lab_with_its_last_words(g):
    (g.folder / "s.toml").write_text(plain(duration="20s"))
    lab = subprocess.Popen([GILIRAN, "lab", "s.toml", "--out", "out"], cwd=g.folder, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        victim = until(lambda: [pid for pid, line in own_processes(g.folder)
                                if "--name server-2" in line and client_runs(g.folder)],
                       "a server at work", 20 * SLOW)[0]
        os.kill(victim, signal.SIGKILL)
        out, err = lab.communicate(timeout=30 * SLOW)
    finally:
        lab.kill()
    assert lab.returncode == 1, out + err
    assert "FAILED" in out and "server-2 was ended by signal 9" in out, out
    assert "| listening on http://127.0.0.1:" in out, "its last words"
    assert result(g)["failure"] and not result(g)["finished"]
    assert own_processes(g.folder) == []


def client_runs(folder):
    return any(" client " in line for _, line in own_processes(folder))


def test_a_server_that_cannot_start_ends_the_lab(g):
    """Its log cannot be opened: a folder is in the way."""
    (g.folder / "s.toml").write_text(plain())
    (g.folder / "out").mkdir()
    done = g.once("lab", "s.toml", "--out", "out")
    assert done.returncode == 0
    blocked = g.folder / "out/run/server-1.log"
    blocked.unlink()
    blocked.mkdir()
    (blocked / "x").write_text("in the way")
    done = g.once("lab", "s.toml", "--out", "out")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "server-1 ended with status 2" in done.stdout and "server-1.log" in done.stdout
    assert own_processes(g.folder) == []


@pytest.mark.smoke
def test_an_interrupt_leaves_nothing_not_even_what_is_stopped(g):
    (g.folder / "s.toml").write_text(plain(duration="20s", rest="""
[[timeline]]
at = "100ms"
do = "stop"
server = "server-1"
"""))
    lab = subprocess.Popen([GILIRAN, "lab", "s.toml", "--out", "out"], cwd=g.folder, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        def stopped():
            for pid, line in own_processes(g.folder):
                state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                if state == "T":
                    return pid
            return None
        until(stopped, "a stopped server", 20 * SLOW)
        before = listening_ports()
        lab.send_signal(signal.SIGINT)
        out, err = lab.communicate(timeout=30 * SLOW)
    finally:
        lab.kill()
    assert lab.returncode == 130, out + err
    assert "Interrupted" in out
    assert own_processes(g.folder) == []
    ports = ports_of((g.folder / "out/run/stderr.txt").read_text())
    assert len(ports) == 3 and ports <= before
    assert not ports & listening_ports()
    assert result(g)["interrupted"] and result(g)["runs"] == []


def test_a_rerun_is_the_same_again(g):
    text = plain(top="repetitions = 2", rest="[vary]\n\"servers.threads\" = [1, 2]")
    first = scenario(g, text, "--seed", "77")
    assert first.returncode == 0, first.stdout + first.stderr
    again = g.once("lab", "rerun", "out", seconds=60)
    assert again.returncode == 0, again.stdout + again.stderr
    one, two = result(g), result(g, "out-2")
    assert one["seed"] == two["seed"] == 77
    for field in ("scenario", "about", "planned", "axes", "repetitions"):
        assert one[field] == two[field], field
    assert [r["plan"] for r in one["runs"]] == [r["plan"] for r in two["runs"]]
    assert [p["name"] for p in one["points"]] == [p["name"] for p in two["points"]]
    assert (g.folder / "out/scenario.toml").read_text() == (
        g.folder / "out-2/scenario.toml").read_text()
    shells = [[re.sub(r":\d{4,5}\b|out(-2)?/", "", c) for r in x["runs"] for c in r["commands"]]
              for x in (one, two)]
    assert shells[0] == shells[1]
    assert len(one["points"]) == 2 and all(p["rate"]["count"] == 2 for p in one["points"])
    assert "<html" in (g.folder / "out/report.html").read_text()[:200].lower()
    assert g.once("lab", "rerun", "nowhere").returncode == 2


def log_names(folder):
    return {path.name for path in folder.glob("*.log")}


def test_only_logs_that_are_worth_it_stay(g):
    """Of the telling run, and of one in which something is odd; --keep-logs keeps all."""
    text = plain(rest="""
[[run]]
name = "calm"

[[run]]
name = "missed"
expect = ["p50<1us"]

[[run]]
name = "last"
""")
    done = scenario(g, text)
    assert done.returncode == 3, done.stdout + done.stderr
    every = {"client.log", "coordinator.log", "server-1.log", "server-2.log"}
    out = g.folder / "out"
    assert {name: log_names(out / name) for name in ("calm", "missed", "last")} == {
        "calm": set(), "missed": every, "last": every}
    assert [r["logs_kept"] for r in result(g)["runs"]] == [False, True, True]
    said = " ".join(done.stdout.split())
    assert "The logs of 1 run (" in said and "--keep-logs" in said and "rm -r out" in said
    # What is said to be looked at next is there, and says what the run's report.txt does.
    line = re.search(r"Look closer: giliran (report .*)/\*\.log", done.stdout).group(1).split()
    assert line == ["report", "out/last"]
    logs = sorted(str(path.relative_to(g.folder)) for path in (out / "last").glob("*.log"))
    report = g.once("report", *logs)
    assert report.returncode == 0, report.stdout
    for name in ("calm", "missed", "last"):
        kept = (out / name / "report.txt").read_text()
        assert "Conservation: everything is accounted for" in kept, kept
    mean = re.search(r"Of .* mean at the client", (out / "last/report.txt").read_text()).group()
    assert mean in report.stdout
    assert g.once("lab", "s.toml", "--out", "out", "--keep-logs", seconds=60).returncode == 3
    assert all(log_names(out / name) == every for name in ("calm", "missed", "last"))


def test_what_is_not_met_ends_with_three(g):
    done = scenario(g, plain(top='expect = ["p50<1us", "errors<1%"]'))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "NOT MET" in done.stdout and "p50<1us" in done.stdout
    assert [e["met"] for e in result(g)["runs"][0]["expected"]] == [False, True]
    assert result(g)["exit_status"] == 3
    quiet = g.once("lab", "s.toml", "--out", "out", "-q")
    assert quiet.returncode == 3 and quiet.stdout == ""
    assert "NOT MET: run: p50<1us" in quiet.stderr


def test_nobody_has_to_read_what_it_says(g):
    """As in `giliran lab 2>&1 | head -1`."""
    (g.folder / "s.toml").write_text(plain())
    with subprocess.Popen([GILIRAN, "lab", "s.toml", "--out", "out"], cwd=g.folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as lab:
        assert "plain" in lab.stderr.readline()
        lab.stderr.close()
        lab.stdout.close()
        assert lab.wait(30 * SLOW) == 0
    assert result(g)["finished"]
    assert own_processes(g.folder) == []


def test_threads(g):
    done = g.once("lab", "threads", "--threads", "1,4", "--repeat", "1", "--duration", "400ms",
                  "--out", "two", seconds=60)
    assert done.returncode == 0, done.stdout + done.stderr
    found = result(g, "two")["scaling"]
    assert len(found) == 1 and "usl" not in found[0]
    assert [p["threads"] for p in found[0]["points"]] == [1, 4]
    assert "Speed-up only" in done.stdout and "efficiency" in done.stdout

    done = g.once("lab", "threads", "--repeat", "1", "--duration", "300ms", "--out", "five",
                  seconds=60)
    assert done.returncode == 0, done.stdout + done.stderr
    five = result(g, "five")["scaling"][0]
    assert [p["threads"] for p in five["points"]] == [1, 2, 4, 8, 16]
    assert set(five["usl"]) >= {"alpha", "beta", "gamma", "r_squared"}
    assert "Universal Scalability Law" in done.stdout and "* measured" in done.stdout
    assert five["points"][0]["speed_up"] == 1

    for bad in (["--threads", "0"], ["--threads", "1,1"], ["--of", "clients"], ["--work", "sleep"]):
        assert g.once("lab", "threads", *bad).returncode == 2
    assert g.once("lab", "demo", "--repeat", "2").returncode == 2


def test_a_server_reads_its_file_again_under_load(g):
    """HUP changes how a server behaves; a bad file changes nothing; nothing is lost."""
    path = g.folder / "server.toml"
    path.write_text('delay = "1ms"\n')
    server = g.server("s1", "-c", path, threads=2)
    client = g.client(server.url(), "-c", "4", "-d", "1500ms")
    for number, text in enumerate(('delay = "30ms"\n', 'delay = "1ms"\nbody = 64\n'), 1):
        await_records(server.log, 20 * number)
        path.write_text(text)
        server.signal(signal.SIGHUP)
        until(lambda n=number: server.err.count("read again") == n, "it was read", 5 * SLOW)
    path.write_text('delay = "soon"\n')
    server.signal(signal.SIGHUP)
    until(lambda: "changes nothing" in server.err, "it was refused", 5 * SLOW)
    assert "server.toml:1:9: key 'delay': bad value 'soon'" in server.err
    assert client.wait(30) == 0, client.err
    assert server.stop() == 0
    sent, served = records(client.log), records(server.log)
    kind = "exchange"
    assert counts(sent, "kind")[kind] == counts(served, "kind")[kind] > 50
    assert counts(sent, "end") == {"ok": len(sent)}
    assert {r["body_out"] for r in served if r["kind"] == kind} == {3, 64}
