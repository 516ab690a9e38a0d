"""Load on a proxy, from the processors beside it. Every answer counts, and none may fail."""
import dataclasses
import json
import re
import subprocess
import sys

from .machine import ROOT
from .process import BenchError

CONNECTIONS = 50
MESSAGE = "x" * 63  # and its newline
SOURCES = tuple(f"127.0.0.{n}" for n in range(2, 10))
GIB = 1 << 30


@dataclasses.dataclass(frozen=True)
class Load:
    """What was done: answers, or GiB of bulk."""
    done: float
    seconds: float
    p50_us: float = 0
    p99_us: float = 0

    @property
    def rate(self):
        return self.done / self.seconds


def _run(argv, cpus):
    done = subprocess.run(["taskset", "-c", cpus, *map(str, argv)], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise BenchError(f"{argv[0]}: status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def parse_wrk(text):
    if "Non-2xx" in text or "Socket errors" in text:
        raise BenchError("wrk: requests failed\n" + text)
    found = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", text)
    seconds = float(found.group(2)) * {"ms": 0.001, "s": 1, "m": 60}[found.group(3)]
    return Load(int(found.group(1)), seconds)


def wrk(lab, port, path="/", connections=CONNECTIONS, cpus=None):
    """Closed loop, HTTP/1.1 keep-alive."""
    seconds = max(1, round(lab.seconds))  # wrk knows whole ones only
    return parse_wrk(_run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                           f"http://127.0.0.1:{port}{path}"], cpus or lab.pinning.rest))


def parse_client(text):
    result = json.loads(text)
    totals = result["totals"]
    if totals["failed"] or totals["bad_status"] or not totals["answered"]:
        raise BenchError(f"giliran client: {totals['failed']} requests failed, "
                         f"{totals['bad_status']} bad answers: {result['errors']}")
    times = result["response_time"]
    return Load(totals["answered"], result["issuing_s"], times["p50_us"], times["p99_us"])


def client(lab, url, *more, connections=CONNECTIONS, seconds=None, cpus=None):
    """giliran client, one thread; closed loop unless more says -R."""
    argv = [lab.tool, "client", url, "-c", connections, "-t", 1, "--json", "-", "--quiet", *more]
    if "-n" not in more:
        argv += ["-d", f"{round(1000 * (seconds or lab.seconds))}ms"]
    return parse_client(_run(argv, cpus or lab.pinning.rest))


def lines(lab, port, *more, **named):
    """64 bytes there, and a line back."""
    return client(lab, f"tcp://127.0.0.1:{port}", "--message", MESSAGE, *more, **named)


def fresh(*more):
    """Arguments for a connection per request, from so many addresses that ports do not run out."""
    sources = [word for source in SOURCES for word in ("--source", source)]
    return ("--new-connection", *sources, *more)


def bulk(lab, port, verb):
    argv = [sys.executable, ROOT / "bench/bulk.py", verb, f"127.0.0.1:{port}", lab.bulk_bytes, 4]
    return Load(lab.bulk_bytes / GIB, float(_run(argv, lab.pinning.rest)))
