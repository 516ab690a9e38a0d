"""What a coordinator shows on a terminal: its log as text, and a live block below it."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading

import pytest
from harness import GILIRAN, SLOW, TERM, is_open
from peers import free_port, until

TEXT_LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3} 127\.0\.0\.1 → (s\d|127\.0\.0\.1:\d+)  GET / 200  "
                       r"[\d.]+ ms \(.*queue [\d.]+, connect [\d.]+, .*wait [\d.]+.*\)")
# Rate, times, errors, a line a server.
BLOCK = (r"\n[\d.,]+/s   \d+ in flight   \d+ connections?   up \d+:\d\d *"
         r"\n  p50 .+   p99 .+   max .+\n  \d+ errors? now, .+"
         r"\n  127\.0\.0\.1:\d+ +(\d+\.\d%|-) .*\n  127\.0\.0\.1:\d+ +(\d+\.\d%|-) .*")
ESCAPE = re.compile(r"\x1b\[(\d*)([AJKm])")
LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")


class Screen:
    """As much of a terminal as is used: a cursor, rows that wrap, four sequences."""

    def __init__(self, columns):
        self.columns, self.rows, self.row, self.column = columns, [""], 0, 0
        self.styled = False

    def down(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append("")

    def put(self, c):
        if self.column == self.columns:
            self.column = 0
            self.down()
        line = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = line[:self.column] + c + line[self.column + 1:]
        self.column += 1

    def escape(self, number, what):
        if what == "A":
            self.row -= int(number or 1)
            assert self.row >= 0
        elif what == "m":
            self.styled = True
        else:
            self.rows[self.row] = self.rows[self.row][:self.column]
            if what == "J":
                del self.rows[self.row + 1:]

    def write(self, text):
        at = 0
        while at < len(text):
            found = ESCAPE.match(text, at)
            if found:
                self.escape(*found.groups())
                at = found.end()
                continue
            c = text[at]
            assert c >= " " or c in "\r\n", repr(text[at:at + 20])
            if c == "\r":
                self.column = 0
            elif c == "\n":
                self.down()
            else:
                self.put(c)
            at += 1


class OnTerminal:
    """A process with a terminal of its own on standard output and error."""

    def __init__(self, args, columns=120, program=(GILIRAN,), cwd=None,
                 **environment):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        env = {**os.environ, "TERM": "xterm", **environment}
        # A session of its own, with this terminal.
        self.process = subprocess.Popen(
            [*program, *map(str, args)], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
            env=env, cwd=cwd, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.raw = b""
        self.columns = columns
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        try:
            while data := os.read(self.master, 65536):
                self.raw += data
        except OSError:
            pass

    def screen(self):
        screen = Screen(self.columns)
        text = self.raw.decode(errors="ignore")
        # Up to the last whole sequence.
        screen.write(text[:text.rfind("\x1b")] if "\x1b" in text[-8:] else text)
        return screen

    def until_shown(self, pattern, seconds=20):
        def shown():
            rows = "\n".join(self.screen().rows)
            return re.search(pattern, rows)
        try:
            return until(shown, pattern, seconds * SLOW)
        except TimeoutError:
            raise AssertionError(f"{pattern!r} is not in {self.screen().rows}") from None

    def stop(self):
        self.process.send_signal(TERM)
        status = self.process.wait(20 * SLOW)
        self.reader.join(5 * SLOW)
        os.close(self.master)
        return status


def coordinator_args(g, *extra):
    servers = g.servers(2)
    args = ["coordinator", "--listen", "http://127.0.0.1:0", "--threads", 2, *extra]
    for server in servers:
        args += ["--server", server.address]
    return args


def test_the_log_is_text_and_the_block_below_disturbs_no_line(g):
    seen = OnTerminal(coordinator_args(g, "--log", "-"))
    port = seen.until_shown(LISTENING.pattern).group(1)
    for part in range(3):
        g.run_client(f"http://127.0.0.1:{port}/", "-n", "200", "-c", "4", name=f"client{part}")
        seen.until_shown(rf"0 of {200 * (part + 1)} since the start")
    seen.until_shown(BLOCK + r"$")  # it is the end of what is shown
    rows = seen.screen().rows
    assert sum(bool(TEXT_LINE.fullmatch(row)) for row in rows) == 600, rows
    assert seen.stop() == 0
    rows = seen.screen().rows
    assert sum(bool(TEXT_LINE.fullmatch(row)) for row in rows) == 600
    assert not [row for row in rows if "in flight" in row]
    assert [row for row in rows if row.startswith("giliran coordinator: 600 exchanges")], rows[-8:]


def test_diagnostics_stand_above_the_block(g):
    seen = OnTerminal(coordinator_args(g, "--log", g.folder / "c.log"))
    port = seen.until_shown(LISTENING.pattern).group(1)
    seen.until_shown("in flight")
    g.run_client(f"http://127.0.0.1:{port}/", "-n", "20")
    seen.process.send_signal(1)  # HUP
    seen.until_shown(r"nothing to reload: this coordinator was configured by flags")
    seen.until_shown(r"0 of 20 since the start")
    rows = seen.screen().rows
    said = [n for n, row in enumerate(rows) if "nothing to reload" in row]
    block = [n for n, row in enumerate(rows) if "in flight" in row]
    assert len(said) == 1 and len(block) == 1 and said[0] < block[0], rows
    seen.until_shown(BLOCK + r"$")
    assert (g.folder / "c.log").read_text().startswith("{")
    assert seen.stop() == 0


def test_no_color(g):
    seen = OnTerminal(coordinator_args(g), NO_COLOR="1")
    seen.until_shown("in flight")
    assert not seen.screen().styled
    assert seen.stop() == 0


@pytest.mark.parametrize("why", ["dumb", "quiet"])
def test_where_no_block_is_wanted_there_is_none(g, why):
    port = free_port()
    args = ["coordinator", "--listen", f"http://127.0.0.1:{port}", "--server", g.server("s1").address,
            "--log", "-"]
    seen = OnTerminal(args + (["--quiet"] if why == "quiet" else []),
                      **({"TERM": "dumb"} if why == "dumb" else {}))
    until(lambda: is_open(port), "it listens", 20 * SLOW)
    g.run_client(f"http://127.0.0.1:{port}/", "-R", "20", "-d", "1500ms")
    seen.until_shown(r"GET / 200  ")
    assert seen.stop() == 0
    assert b"\x1b" not in seen.raw


def test_in_the_background_the_terminal_is_left_to_others(g):
    """As with `giliran coordinator ... &`; `fg` brings the block."""
    shell = """"$@" & echo $! > pid; until [ -e go ]; do sleep 0.1; done; fg"""
    seen = OnTerminal([GILIRAN, *coordinator_args(g, "--log", "-")], cwd=g.folder,
                      program=("sh", "-mc", shell, "sh"))
    port = seen.until_shown(LISTENING.pattern).group(1)
    # Longer than from one look to the next.
    g.run_client(f"http://127.0.0.1:{port}/", "-R", "20", "-d", "1500ms")
    seen.until_shown(r"(GET / 200 [^\n]+\n.*){25}")
    assert b"\x1b" not in seen.raw
    (g.folder / "go").touch()
    seen.until_shown("in flight")
    os.kill(int((g.folder / "pid").read_text()), TERM)
    assert seen.process.wait(20 * SLOW) == 0
    os.close(seen.master)


def test_what_is_piped_is_json_without_control_characters(g):
    args = coordinator_args(g, "--log", "-")
    program = g._start("piped", args, 1)
    g.run_client(program.url(), "-n", "20")
    assert program.stop() == 0
    lines = program.out.splitlines()
    assert len(lines) == 22 and all(line.startswith("{") for line in lines)
    assert "\x1b" not in program.out + program.err
