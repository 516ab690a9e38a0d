"""What the client writes: thresholds, the result's files, what a terminal shows meanwhile."""
import collections
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time

import pytest
from harness import GILIRAN, SLOW, records


def run(g, server, *args):
    return g.once("client", server.url("/?delay=2ms"), *args)


def test_thresholds_are_the_exit_status(g):
    server = g.server("s1")
    met = run(g, server, "-n", 50, "--expect", "p99<20s", "--expect", "errors<0.1%,rate>1")
    assert met.returncode == 0, met.stdout
    assert re.search(r"^  errors<0\.1% +0%  met$", met.stdout, re.MULTILINE)
    assert "NOT MET" not in met.stdout
    missed = run(g, server, "-n", 50, "--expect", "p99<1ms", "--expect", "service.max<20s",
                 "--json", "r.json")
    assert missed.returncode == 3
    assert re.search(r"^  p99<1ms +\d.* ms  NOT MET$", missed.stdout, re.MULTILINE)
    expected = json.loads((g.folder / "r.json").read_text())["expected"]
    assert [(e["text"], e["met"]) for e in expected] == \
        [("p99<1ms", False), ("service.max<20s", True)]
    quiet = run(g, server, "-n", 50, "-q", "--expect", "p99<1ms")
    assert quiet.returncode == 3 and quiet.stdout == ""
    assert re.fullmatch(r"giliran client: NOT MET p99<1ms: .* ms\n", quiet.stderr)
    errors = g.once("client", server.url("/?status=503"), "-n", 10, "--expect", "errors<=50%")
    assert errors.returncode == 3  # though nothing at all succeeded
    nothing = g.once("client", server.url("/?status=503"), "-n", 10)
    assert nothing.returncode == 1
    for wrong in ("p99<10", "errrors<1%", "p99"):
        assert run(g, server, "--expect", wrong).returncode == 2


def test_the_result_file_adds_up(g, tmp_path):
    servers = g.servers(2)
    coordinator = g.coordinator(*servers)
    done = g.once("client", coordinator.url(), "-R", 500, "-d", "3s", "--warmup", "500ms", "--json",
                  "r.json", "--hgrm", "r.hgrm", "--html", "r.html")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["format"] == "giliran-client/2"
    assert result["plan"]["loop"] == "open" and result["plan"]["rate"] == pytest.approx(500)
    totals = result["totals"]
    assert totals["issued"] == totals["answered"] + totals["failed"] == 1500
    assert totals["due"] == 1500
    intervals = result["intervals"]
    measured = [i for i in intervals if not i.get("warmup")]
    assert result["interval_s"] == 0.1 and len(intervals) >= 35
    assert [i["t_s"] for i in intervals] == \
        pytest.approx([n * 0.1 for n in range(len(intervals))])
    # A request of the warm-up may be answered in the first interval behind it.
    assert 1500 <= sum(i["answered"] for i in measured) <= 1510
    assert sum(i["due"] for i in measured) == pytest.approx(1500, abs=1)
    for histogram in ("response_time", "service_time"):
        h = result[histogram]
        assert sum(b[2] for b in h["buckets"]) == h["count"] == 1500
        assert h["min_us"] <= h["p50_us"] <= h["p99_us"] <= h["max_us"]
    assert {s["name"] for s in result["servers"]} == {"s1", "s2"}
    assert sum(s["answers"] for s in result["servers"]) == 1500
    assert sum(sum(i["servers"].values()) for i in intervals) == \
        sum(i["answered"] for i in intervals)
    assert result["machine"]["cores"] >= 1 and result["machine"]["os"].startswith("Linux")
    assert result["marks"] == [] and result["expected"] == []
    assert result["verdict"]["text"] in ("VALID", "CLIENT-LIMITED")
    assert result["target"] == {"good": True, "text": "NO ERRORS", "sentence":
                                "1,500 requests answered, all with a status below 400"}
    rows = [line.split() for line in (tmp_path / "r.hgrm").read_text().splitlines()
            if line and line[0] == " " and "Value" not in line]
    assert float(rows[-1][1]) == 1 and int(rows[-1][2]) == 1500 and rows[-1][3] == "inf"
    assert float(rows[-1][0]) == pytest.approx(result["response_time"]["max_us"] / 1e3, abs=0.001)
    median = next(r for r in rows if float(r[1]) >= 0.5)
    assert float(median[0]) == pytest.approx(result["response_time"]["p50_us"] / 1e3, rel=0.01)
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")


def test_the_log_tells_the_response_time_too(g, tmp_path):
    """Two connections for more than they can do: most of the response time is waiting."""
    server = g.server("s1")
    done = run(g, server, "-R", 1500, "-c", 2, "-d", "1s", "--log", "c.log", "--log-full", "wait",
               "--json", "r.json")
    assert done.returncode == 0, done.stderr
    times = sorted(r["lag_us"] + r["send_us"] + r["wait_us"] + r["data_us"]
                   for r in records(tmp_path / "c.log"))
    result = json.loads((tmp_path / "r.json").read_text())
    assert len(times) == result["response_time"]["count"] < result["totals"]["due"]
    assert times[-1] == pytest.approx(result["response_time"]["max_us"], rel=0.01)
    assert times[len(times) // 2] == pytest.approx(result["response_time"]["p50_us"], rel=0.01)
    assert times[-1] > 5 * result["service_time"]["p50_us"]
    assert "NEVER SENT" in done.stdout and "JUDGE BY THE RESPONSE TIME" in done.stdout


def test_data_on_standard_output_is_alone_there(g):
    server = g.server("s1")
    done = run(g, server, "-n", 20, "--hgrm", "-")
    assert done.stdout.startswith("       Value") and "requests in" in done.stderr
    done = run(g, server, "-n", 300, "-c", 2, "--progress", "json")
    last = [json.loads(line) for line in done.stdout.splitlines()][-1]
    assert last["requests"] == 300 and last["left_s"] is None and last["rate_planned"] is None
    assert last["total_p99_us"] >= last["total_p50_us"] >= 2000
    done = run(g, server, "-R", 100, "-d", "1500ms", "--progress", "json")
    first = json.loads(done.stdout.splitlines()[0])
    assert first["rate_planned"] == 100 and 0 <= first["left_s"] <= 0.5
    assert first["t_s"] + first["left_s"] >= 1.49
    assert first["backlog"] >= 0 and first["service_p50_us"] >= 2000


def test_what_cannot_be_written_is_told_before_the_start(g):
    url = "http://127.0.0.1:1/"
    for flags, told in [(("--json", "-", "--html", "-"), "--json and --html: only one"),
                        (("--progress", "json", "--hgrm", "-"), "--progress json and --hgrm"),
                        (("--json", "x", "--log", "x"), "can go to x"),
                        (("--html", "no/x.html"), "--html no/x.html: No such file"),
                        (("--find-max", "p99<1s", "--json", "no/x.json"), "--json no/x.json: No"),
                        (("--find-max", "p99<1s", "--coordinator-log", "no.log"), "no.log: No")]:
        done = g.once("client", url, *flags)
        assert done.returncode == 2, done.stderr
        assert told in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_log_is_of_one_run_unless_it_is_said(g, tmp_path):
    server = g.server("s1")
    assert run(g, server, "-n", 5, "--log", "c.log").returncode == 0
    again = run(g, server, "-n", 5, "--log", "c.log")
    assert again.returncode == 2 and "--append" in again.stderr
    assert len(records(tmp_path / "c.log")) == 5
    assert run(g, server, "-n", 5, "--log", "c.log", "--append", "--seed", 1).returncode == 0
    assert run(g, server, "-n", 5, "--log", "c.log", "--append", "--seed", 1).returncode == 0
    found = records(tmp_path / "c.log")
    assert sorted(collections.Counter(r["run"] for r in found).values()) == [5, 5, 5]
    assert len({r["trace"] for r in found}) == 15
    assert run(g, server, "-n", 5, "--append").returncode == 2


def test_quiet_hides_no_error(g, tmp_path):
    server = g.server("s1")
    quiet = g.once("client", server.url(), "-n", 20, "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    errors = g.once("client", server.url("/?status=503"), "-n", 20, "-q")
    assert errors.returncode == 1 and errors.stdout == ""
    assert errors.stderr == ("giliran client: ALL FAILED, of 20 requests, 20 had a status of "
                             "400 or more (100%)\n")
    gone = g.once("client", "http://127.0.0.1:1/", "-n", 4, "-q")
    assert gone.returncode == 1 and "failed: connect-refused 4" in gone.stderr
    (tmp_path / "some.log").write_text('1.2.3.4 - - [21/Nov/2026:23:00:01 +0000] "GET / HTTP/1.1" '
                                       "200 1\nno line of a log\n")
    left_out = g.once("client", server.url(), "--replay", "some.log", "-q")
    assert left_out.returncode == 0 and "1 line NOT UNDERSTOOD" in left_out.stderr


def test_too_little_is_not_judged(g):
    server = g.server("s1")
    done = g.once("client", server.url(), "-n", 20, "--strict")
    assert done.returncode == 0, done.stdout
    assert "of its processor" not in done.stdout
    assert "measurement: NOT JUDGED, " in done.stdout and "target: NO ERRORS, " in done.stdout


class Terminal:
    """Runs the client on a terminal and keeps what that shows."""

    def __init__(self, folder, args, rows=24, columns=200, **env):
        self.columns, self.bytes = columns, b""
        self.main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen([GILIRAN, *map(str, args)], cwd=folder, stdin=other,
                                        stdout=other, stderr=other, start_new_session=True,
                                        env={**os.environ, "TERM": "xterm", **env})
        os.close(other)

    def read(self, until=None, seconds=20):
        end = time.monotonic() + seconds * SLOW
        while time.monotonic() < end:
            try:
                more = os.read(self.main, 65536)
            except OSError:  # the other side is closed
                break
            self.bytes += more
            if until is not None and until in self.text():
                return self
        assert until is None, f"{until!r} was not shown: {self.text()}"
        self.status = self.process.wait(10)
        os.close(self.main)
        return self

    def text(self):
        return self.bytes.decode(errors="replace")

    def screen(self):
        """The lines on it in the end."""
        lines, row, column = [""], 0, 0
        for token in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|.", self.text(), re.DOTALL):
            if token == "\r":
                column = 0
            elif token == "\n":
                row += 1
                if row == len(lines):
                    lines.append("")
            elif token.startswith("\x1b"):
                number, kind = token[2:-1], token[-1]
                if kind == "A":
                    row -= int(number)
                    assert row >= 0, "above the screen"
                elif kind in "KJ":
                    lines[row] = lines[row][:column]
                    if kind == "J":
                        del lines[row + 1:]
                else:
                    assert kind == "m", token
            else:
                assert column < self.columns, f"a line wraps: {lines[row]}"
                lines[row] = lines[row][:column].ljust(column) + token + lines[row][column + 1:]
                column += 1
        return lines


def test_a_terminal_shows_a_block_that_leaves_nothing(g, tmp_path):
    servers = g.servers(2)
    coordinator = g.coordinator(*servers)
    args = ["client", coordinator.url(), "-R", 200, "-d", "2s"]
    terminal = Terminal(tmp_path, args).read(until="response time, overall")
    assert "of 200/s planned" in terminal.text()
    terminal.read()
    assert terminal.status == 0
    assert re.search(r"s1 +\d+\.\d% +█", terminal.text())
    lines = terminal.screen()
    assert not [line for line in lines if "planned   " in line or "█" in line and "s1" in line]
    assert lines[0].startswith("2 threads") or lines[0].startswith("1 thread")
    assert lines[1].startswith("400 requests in")
    assert "\x1b[1m" in terminal.text()
    plain = Terminal(tmp_path, args, NO_COLOR="1").read()
    assert not re.search(r"\x1b\[[0-9;]*m", plain.text())
    assert "response time, now" in plain.text()


def test_narrow_and_low_terminals_are_not_overrun(g, tmp_path):
    server = g.server("s1")
    for rows, columns in ((24, 30), (4, 80), (3, 12)):
        terminal = Terminal(tmp_path, ["client", server.url(), "-R", 50, "-d", "1s", "-t", 1],
                            rows=rows, columns=columns)
        terminal.columns = 10_000  # the summary is not cut
        terminal.read()
        assert terminal.status == 0
        for frame in terminal.text().split("\x1b[J")[:-1]:
            lines = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", frame).replace("\r", "").split("\n")
            block = [line for line in lines if not line.startswith("1 thread")]
            assert len(block) <= rows - 1
            assert all(len(line) < columns for line in block), block


def test_ctrl_c_ends_the_run_with_a_summary_and_a_clean_terminal(g, tmp_path):
    server = g.server("s1")
    terminal = Terminal(tmp_path, ["client", server.url(), "-R", 200, "-d", "60s"])
    terminal.read(until="response time, overall")
    os.killpg(terminal.process.pid, signal.SIGINT)
    terminal.read()
    assert terminal.status == 130
    lines = terminal.screen()
    assert re.match(r"CUT by SIGINT, \d+\.\d s after its start; planned were 60 s$", lines[2])
    assert not [line for line in lines if "response time, overall" in line]
    assert terminal.text().endswith("\n")


def test_without_a_terminal_nothing_is_drawn(g):
    server = g.server("s1")
    done = run(g, server, "-R", 100, "-d", "1s")
    assert "\x1b" not in done.stdout + done.stderr and "\r" not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1  # the plan
