"""All rows, in the order of the table."""
import contextlib
import json
import subprocess
import time

from . import held, load, servers
from .process import BenchError
from .row import CPU, HalfLoad, Metric, Proxied, Row, open_proxy, open_server

PEERS = ("haproxy", "nginx")
BUSY = 50  # of the many connections
SETTLE_S = 1  # after which a connection is idle


class Bulk(Proxied):
    """CPU seconds for each GiB."""
    cpu_unit_us = 1e6
    metrics = (Metric("cpu", "CPU s a GiB", 3), Metric("rate", "GiB/s", 2))
    peers = ("relay", "haproxy", "haproxy splice", "nginx")

    def __init__(self, key, title, note, verb):
        super().__init__(key, title, note, protocol="tcp", server=servers.bulk,
                         run=lambda lab, port: load.bulk(lab, port, verb))


class NoFloor(Proxied):
    """A row whose work a bare relay cannot save."""
    peers = PEERS


class Many(Proxied):
    """The usual load, behind connections that do nothing."""

    def sample(self, lab, process, port):
        with held.idle("http", port, lab.many - BUSY):
            return super().sample(lab, process, port)


class Idle(Row):
    """Memory of a fresh proxy before and after the connections came."""
    metrics = (Metric("bytes", "bytes a connection", 0), Metric("base", "KiB without any", 0))
    compared = False

    def __init__(self, key, title, note, protocol, server):
        super().__init__(key, title, note)
        self.protocol, self.server = protocol, server

    def open(self, lab, stack, folder):
        where = open_server(stack, folder, self.server, lab, lab.pinning.rest)
        return {name: lambda name=name: self.sample(lab, folder, where, name)
                for name in ["relay", *lab.gilirans, *PEERS]}

    def sample(self, lab, folder, where, name):
        with contextlib.ExitStack() as stack:
            proxy = open_proxy(stack, folder, lab, name, protocol=self.protocol, servers=where,
                               cpus=lab.pinning.proxy)
            if proxy is None:
                raise BenchError(f"there is no {name}")
            process, port = proxy
            with held.idle(self.protocol, port, 1):
                pass
            before = process.memory_bytes()
            with held.idle(self.protocol, port, lab.idle):
                time.sleep(SETTLE_S)
                after = process.memory_bytes()
        return {"bytes": max(0, after - before) / lab.idle, "base": before / 1024}


class Workers(Row):
    """The same proxy with one worker and with two, on the same processors."""
    metrics = (Metric("scaling", "two workers ÷ one", 2), Metric("cpu1", "CPU µs, one"),
               Metric("cpu2", "CPU µs, two"), Metric("rate1", "requests/s, one", 0),
               Metric("rate2", "requests/s, two", 0),
               Metric("busiest", "% of the work on the busier of two", 0))
    compared = False

    def open(self, lab, stack, folder):
        cpus, beside = lab.pinning.proxy_two, lab.pinning.beside_two
        where = open_server(stack, folder, servers.http, lab, beside)
        samples = {}
        for name in [*lab.gilirans, *PEERS]:
            both = [open_proxy(stack, folder, lab, name, protocol="http", servers=where,
                               cpus=cpus, workers=n) for n in (1, 2)]
            if all(both):
                samples[name] = lambda both=both: self.sample(lab, beside, both)
        return samples

    def sample(self, lab, beside, both):
        values = {}
        for workers, (process, port) in enumerate(both, 1):
            before = process.thread_cpu_us()
            done = load.wrk(lab, port, connections=workers * load.CONNECTIONS, cpus=beside)
            after = process.thread_cpu_us()
            used = [after[t] - before.get(t, 0) for t in after]
            values |= {f"cpu{workers}": sum(used) / done.done, f"rate{workers}": done.rate,
                       "busiest": 100 * max(used) / sum(used)}
        return values | {"scaling": 2 * values["cpu1"] / values["cpu2"]}


class Choice(Row):
    """What the policy alone takes, from the micro-benchmark beside each giliran."""
    metrics = tuple(Metric(f"{policy}/{size}", f"{policy.replace('_', ' ')}, {size:,}")
                    for policy in ("round_robin", "least_requests") for size in (3, 100, 10000))
    compared = False

    def open(self, lab, stack, folder):
        beside = {name: path.resolve().parent / "policy_bench"
                  for name, path in lab.gilirans.items()}
        return {name: lambda path=path: self.sample(lab, path)
                for name, path in beside.items() if path.exists()}

    def sample(self, lab, path):
        done = subprocess.run(
            ["taskset", "-c", lab.pinning.proxy, path, "--benchmark_format=json",
             "--benchmark_filter=choose/.*down:0$", "--benchmark_min_time=0.1"],
            capture_output=True, text=True, check=True)
        return self.parse(done.stdout)

    @staticmethod
    def parse(text):
        values = {}
        for one in json.loads(text)["benchmarks"]:
            _, policy, endpoints, _ = one["name"].split("/")
            values[f"{policy}/{endpoints.partition(':')[2]}"] = one["cpu_time"]
        return values


class Latency(HalfLoad):
    """Against the servers asked directly, in the same round."""
    compared = False  # a ratio of differences says nothing

    def direct(self, lab, port):
        return {"direct": lambda: self.sample(lab, None, port)}

    def complete(self, one):
        for sample in one.values():
            sample["added"] = sample["p99"] - one["direct"]["p99"]
            sample["added50"] = sample["p50"] - one["direct"]["p50"]


def http(path="/"):
    return lambda lab, port: load.wrk(lab, port, path)


def post(lab, port):
    return load.client(lab, f"http://127.0.0.1:{port}/", "--body", "b" * (16 << 10))


def fresh_http(lab, port):
    return load.client(lab, f"http://127.0.0.1:{port}/", *load.fresh())


def fresh_tcp(lab, port):
    return load.lines(lab, port, *load.fresh())


ROWS = (
    Proxied("tcp", "TCP, keep-alive, 64-byte messages",
            "50 connections, each sends a line of 64 bytes and awaits one (closed loop).",
            protocol="tcp", server=servers.tcp, run=load.lines),
    Proxied("tcp-new", "TCP, a connection for each message",
            "Connect, 64 bytes there, a line back, close; 8 source and 8 server addresses.",
            protocol="tcp", server=servers.tcp, run=fresh_tcp, addresses=8),
    Bulk("tcp-down", "TCP, bulk download", "4 connections take a GiB together, every byte of "
         "which is counted. haproxy splice: `option splice-request` and `splice-response` "
         "(`splice-auto` did not splice here).", "get"),
    Bulk("tcp-up", "TCP, bulk upload", "The same in the other direction.", "put"),
    Proxied("http", "HTTP/1.1, keep-alive, without a log", "64-byte answers.",
            protocol="http", server=servers.http, run=http()),
    Proxied("http-log", "HTTP/1.1, keep-alive, with a log to a file",
            "haproxy writes `httplog`, nginx `combined`; giliran its JSON record, which says more.",
            protocol="http", server=servers.http, run=http(), log=True),
    Proxied("http-16k", "HTTP/1.1, answers of 16 KiB", "From a file, by the server's sendfile.",
            protocol="http", server=servers.http, run=http("/16k")),
    Proxied("http-1m", "HTTP/1.1, answers of 1 MiB", "From a file, by the server's sendfile.",
            protocol="http", server=servers.http, run=http("/1m")),
    Proxied("http-post", "HTTP/1.1, POST of 16 KiB", "", protocol="http", server=servers.http,
            run=post),
    NoFloor("http-new", "HTTP/1.1, a connection for each request",
            "All three reuse their connections to the servers, so that the relay, which must open "
            "one, is no floor here.",
            protocol="http", server=servers.http, run=fresh_http),
    Many("http-many", "HTTP/1.1, 5,000 connections of which 50 are busy",
         "The others did one request, and stay.",
         protocol="http", server=servers.http, run=http()),
    HalfLoad("http-slow", "HTTP/1.1, one slow reader among many",
             "One client takes a GiB at 1 MiB/s while 50 others ask at half load.",
             (CPU, Metric("p99", "p99 of the others, µs", 0)), held.slow_reader),
    Latency("latency", "HTTP/1.1, latency added at half load",
            "Open loop at half of what the slowest does; against the servers asked directly, in "
            "the same round.",
            (Metric("added", "p99 added, µs", 0), Metric("p99", "p99, µs", 0),
             Metric("added50", "p50 added, µs", 0))),
    Workers("workers", "HTTP/1.1, one worker and two"),
    Idle("idle-tcp", "Memory of an idle TCP connection",
         "After one message; proportional set size, fresh process.", "tcp", servers.tcp),
    Idle("idle-http", "Memory of an idle HTTP/1.1 connection",
         "After one request; proportional set size, fresh process.", "http", servers.http),
    Choice("choice", "A choice of the policy, ns", "`policy_bench`, all endpoints usable."),
)
