"""Starts and stops giliran's roles, and reads what they left behind."""
import calendar
import collections
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from peers import until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GILIRAN = os.environ.get("GILIRAN", str(ROOT / "build/release/giliran"))
LISTENING = re.compile(r"^listening on (http|tcp)://(.+):(\d+)\s*$", re.MULTILINE)
SANITIZER = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:|LeakSanitizer")
START_S = 20
# A sanitized binary is slower; every bound on time is multiplied by this.
SLOW = 4 if re.search(r"/(asan|tsan)/", GILIRAN) else 1


class Program:
    """A giliran process with its output in files. stop() says how it ended."""

    def __init__(self, folder, name, args, under=()):
        self.name, self.args = name, [str(a) for a in args]
        self.out_path, self.err_path = folder / f"{name}.out", folder / f"{name}.err"
        self.killed = False
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen([*under, GILIRAN, *self.args], cwd=folder, stdout=out,
                                            stderr=err, stdin=subprocess.DEVNULL)

    @property
    def pid(self):
        return self.process.pid

    @property
    def err(self):
        return self.err_path.read_text(errors="replace")

    @property
    def out(self):
        return self.out_path.read_text(errors="replace")

    def wait_listening(self, count):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.process.returncode} before it "
                                   f"listened: {self.args}\n{self.err}")
            found = LISTENING.findall(self.err)
            return found if len(found) >= count else None
        found = until(ready, f"{count} 'listening on' lines of {self.name}", START_S * SLOW)
        self.ports = [int(port) for _, _, port in found]
        self.port = self.ports[0]
        self.address = f"127.0.0.1:{self.port}"
        return self

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.killed = True
        self.process.kill()
        self.process.wait()

    def wait(self, seconds):
        return self.process.wait(seconds * SLOW)

    def stop(self, seconds=10):
        """TERM, and once more where it drains for long. The exit status; fails where it hangs."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                return self.process.wait(seconds * SLOW)
            except subprocess.TimeoutExpired:
                self.process.terminate()
            try:
                return self.process.wait(5 * SLOW)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.name} did not end within {seconds} s of TERM, nor 5 s "
                                     f"of a second one\n{self.err[-2000:]}") from None
        return self.process.returncode

    def complaint(self):
        """What speaks of a crash or a sanitizer's find; None where it ended well or by our kill."""
        found = SANITIZER.search(self.err)
        if found:
            return f"{self.name}: {self.err[found.start():found.start() + 6000]}"
        if not self.killed and self.process.returncode is not None and self.process.returncode < 0:
            return f"{self.name} died of signal {-self.process.returncode}\n{self.err[-2000:]}"
        return None

    def rss_kib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))


class Giliran:
    """The roles, in one test's folder. Everything started here is ended with the test."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = []

    def _start(self, name, args, listeners, under=()):
        name = f"{name}{sum(p.name.startswith(name) for p in self.programs) or ''}"
        program = Program(self.folder, name, args, under)
        self.programs.append(program)
        return program.wait_listening(listeners) if listeners else program

    def coordinator(self, *servers, listen=("http://127.0.0.1:0",), threads=2, log=True, extra=()):
        """servers: programs, peers or addresses, each alone or as (server, weight)."""
        args = ["coordinator", "--threads", threads]
        for one in listen:
            args += ["--listen", one]
        for server in servers:
            server, weight = server if isinstance(server, tuple) else (server, None)
            address = getattr(server, "address", server)
            args += ["--server", address if weight is None else f"{address}={weight}"]
        path = self.folder / "coordinator.log"
        if log:
            args += ["--log", path, "--log-full", "wait"]
        program = self._start("coordinator", [*args, *extra], len(listen))
        program.log = path
        return program

    def configured(self, text, *extra, listeners=1, log="coordinator.log"):
        """A coordinator that a configuration file says all about but its log."""
        path = self.folder / "giliran.toml"
        path.write_text(text)
        log = self.folder / log
        args = ["coordinator", "-c", path, "--log", log, "--log-full", "wait", *extra]
        program = self._start("coordinator", args, listeners)
        program.log = log
        return program

    def server(self, name, *extra, listen=("http://127.0.0.1:0",), threads=1):
        args = ["server", "--name", name, "--threads", threads]
        for one in listen:
            args += ["--listen", one]
        path = self.folder / f"server-{name}.log"
        args += ["--log", path, "--log-full", "wait", *extra]
        program = self._start(f"server-{name}", args, len(listen))
        program.log = path
        return program

    def servers(self, count, *extra, **options):
        return [self.server(f"s{i}", *extra, **options) for i in range(1, count + 1)]

    def client(self, url, *extra, name="client"):
        """Starts a client; wait() for its end."""
        path = self.folder / f"{name}.log"
        args = ["client", url, "--log", path, "--log-full", "wait", *extra]
        program = self._start(name, args, 0)
        program.log = path
        return program

    def run_client(self, url, *extra, seconds=60, name="client"):
        program = self.client(url, *extra, name=name)
        status = program.wait(seconds)
        assert status == 0, f"client: exit status {status}\n{program.err}\n{program.out}"
        return program

    def once(self, *args, seconds=30, env=None):
        """Runs giliran to its end: a CompletedProcess with text."""
        done = subprocess.run([GILIRAN, *map(str, args)], cwd=self.folder, capture_output=True,
                              text=True, timeout=seconds * SLOW, env=env, stdin=subprocess.DEVNULL)
        assert not SANITIZER.search(done.stderr), done.stderr
        return done

    def stop(self):
        """Ends what runs, clients first and servers last, and fails for a crash or a hang."""
        problems = []
        order = {"client": 0, "coordinator": 1, "server": 2}
        for program in sorted(self.programs, key=lambda p: order.get(p.args[0], 0)):
            try:
                program.stop()
            except AssertionError as problem:
                problems.append(str(problem))
            if program.complaint():
                problems.append(program.complaint())
        assert not problems, "\n".join(problems)


def is_open(port):
    """Whether somebody accepts on it: of programs that are told to be quiet."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# Lines that say where the records of a process begin and end.
MARKS = ("begin", "end")


def records(*paths):
    """Every record of complete logs, without the marks; a line that is no JSON object fails."""
    found = []
    for path in paths:
        data = pathlib.Path(path).read_bytes()
        assert not data or data.endswith(b"\n"), f"{path} ends within a line: {data[-200:]}"
        for number, line in enumerate(data.splitlines(), 1):
            try:
                one = json.loads(line)
                if one.get("kind") not in MARKS:
                    found.append(one)
            except ValueError:
                raise AssertionError(f"{path}:{number} is no JSON: {line[:300]}") from None
    return found


def await_records(path, count, seconds=5):
    """The records once there are `count`: lines reach the file within 100 ms."""
    def enough():
        data = pathlib.Path(path).read_bytes() if pathlib.Path(path).exists() else b""
        marks = sum(data.count(b'"kind":"%s"' % mark.encode()) for mark in MARKS)
        return data.count(b"\n") - marks >= count and data.endswith(b"\n")
    try:
        until(enough, f"{count} records in {path}", seconds * SLOW)
    except TimeoutError as problem:
        text = pathlib.Path(path).read_text() if pathlib.Path(path).exists() else "no file"
        raise AssertionError(f"{problem}; it has: {text[-3000:]}") from None
    return records(path)


def counts(found, field):
    return collections.Counter(r.get(field) for r in found)


def exchange(port, request, seconds=15, half_close=False):
    """Sends raw bytes and reads to the end of the connection; fails where that does not end."""
    with socket.create_connection(("127.0.0.1", port), seconds * SLOW) as connection:
        connection.settimeout(seconds * SLOW)
        connection.sendall(request)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        data = b""
        while True:
            try:
                more = connection.recv(65536)
            except ConnectionResetError:
                return data
            if not more:
                return data
            data += more


def status_of(answer):
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    return int(found.group(1)) if found else None


def curl(*args, seconds=120, check=True, **options):
    done = subprocess.run(["curl", "-sS", "--max-time", str(seconds * SLOW), *map(str, args)],
                          capture_output=True, timeout=seconds * SLOW + 10, **options)
    if check:
        assert done.returncode == 0, f"curl {args}: {done.returncode} {done.stderr.decode()}"
    return done


def wall_s(record):
    """ts as seconds since the epoch."""
    whole, _, rest = record["ts"].rstrip("Z").partition(".")
    seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return seconds + float("0." + (rest or "0"))


TERM, USR1 = signal.SIGTERM, signal.SIGUSR1
