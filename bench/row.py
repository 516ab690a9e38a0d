"""A row of the table: what is measured of every contestant, and how often."""
import contextlib
import dataclasses
import pathlib
import tempfile

from . import load, servers
from .contestants import Setup, start
from .machine import Pinning
from .process import BenchError, free_port


@dataclasses.dataclass(frozen=True)
class Lab:
    """What is compared, and how long."""
    gilirans: dict[str, pathlib.Path]  # by the name they have in the tables; the first is "ours"
    tool: pathlib.Path                 # the giliran that is client and server, for everybody
    pinning: Pinning
    seconds: float                     # of load, a sample
    bulk_bytes: int                    # a sample
    idle: int                          # connections that are only held, to see what they take
    many: int                          # and behind which some are busy


@dataclasses.dataclass(frozen=True)
class Metric:
    key: str
    title: str
    digits: int = 1


CPU = Metric("cpu", "CPU µs a request")
RATE = Metric("rate", "requests/s", 0)


class Row:
    """metrics[0] is what is compared (less is better), all are shown. peers: besides giliran."""
    metrics: tuple[Metric, ...] = (CPU, RATE)
    peers: tuple[str, ...] = ("relay", "haproxy", "nginx")
    compared = True

    def __init__(self, key, title, note=""):
        self.key, self.title, self.note = key, title, note

    def open(self, lab, stack, folder):
        """Starts everything; stack ends it. Returns name -> a callable that measures once, and
        returns the value of each metric."""
        raise NotImplementedError

    def complete(self, one):
        """What of a round follows from the samples of several contestants."""


def turns(names, number):
    """Who is measured when in this round: each comes first in turn."""
    shift = number % len(names)
    return names[shift:] + names[:shift]


def measure(row, lab, rounds, say=lambda text: None):
    """A list of rounds, each name -> metric -> value."""
    results = []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        samples = row.open(lab, stack, pathlib.Path(folder))
        if not samples:
            raise BenchError(f"{row.key}: there is nobody to measure")
        for number in range(rounds):
            one = {name: samples[name]() for name in turns(list(samples), number)}
            row.complete(one)
            results.append({name: one[name] for name in samples})
            say(f"{row.key}: round {number + 1} of {rounds}")
    return results


def open_server(stack, folder, server, lab, cpus, addresses=1):
    """The server of a row, listening; its addresses, all on one port."""
    port = free_port()
    hosts = [f"127.0.0.{n + 1}" for n in range(addresses)]
    where = tuple(f"{host}:{port}" for host in hosts)
    own = folder / "server"
    own.mkdir()
    process = server(lab, own, cpus, where)
    stack.callback(process.stop)
    process.wait_port(port, hosts[-1])
    return where


def open_proxy(stack, folder, lab, name, **setup):
    """(process, port), or None where that peer is not here."""
    own = folder / f"{name} {len(list(folder.iterdir()))}".replace(" ", "-")
    own.mkdir()
    port = free_port()
    process = start(name, lab.gilirans.get(name), Setup(folder=own, listen=port, **setup))
    if process is None:
        return None
    stack.callback(process.stop)
    return process, port


class Proxied(Row):
    """CPU time of the proxy for each thing done under a load: run(lab, port) -> load.Load."""
    cpu_unit_us = 1

    def __init__(self, key, title, note="", *, protocol, server, run, log=False, addresses=1,
                 metrics=None):
        super().__init__(key, title, note)
        self.protocol, self.server, self.run = protocol, server, run
        self.log, self.addresses = log, addresses
        self.metrics = metrics or self.metrics

    def open(self, lab, stack, folder):
        where = open_server(stack, folder, self.server, lab, lab.pinning.rest, self.addresses)
        samples = self.direct(lab, int(where[0].partition(":")[2]))
        for name in self.order(lab):
            proxy = open_proxy(stack, folder, lab, name, protocol=self.protocol, servers=where,
                               cpus=lab.pinning.proxy, log=self.log)
            if proxy:
                self.warm_up(lab, proxy[1])
                samples[name] = lambda proxy=proxy: self.sample(lab, *proxy)
        return samples

    def direct(self, lab, port):
        """Who else is measured, without a proxy."""
        return {}

    def order(self, lab):
        peers = list(self.peers)
        first = ["relay"] if "relay" in peers else []
        return first + list(lab.gilirans) + [p for p in peers if p != "relay"]

    def warm_up(self, lab, port):
        few = dataclasses.replace(lab, seconds=0.1, bulk_bytes=1 << 26)
        self.run(few, port)

    def sample(self, lab, process, port):
        before = process.cpu_us()
        done = self.run(lab, port)
        used = process.cpu_us() - before
        return {"cpu": used / done.done / self.cpu_unit_us, "rate": done.rate}


class HalfLoad(Proxied):
    """At half of what the slowest contestant does: an open loop, so that waiting counts."""

    def __init__(self, key, title, note, metrics, around=None):
        super().__init__(key, title, note, protocol="http", server=servers.http, run=self.closed,
                         metrics=metrics)
        self.around = around or (lambda port: contextlib.nullcontext())
        self.capacities = []

    def closed(self, lab, port):
        return load.client(lab, f"http://127.0.0.1:{port}/")

    def warm_up(self, lab, port):
        self.capacities.append(self.closed(dataclasses.replace(lab, seconds=0.5), port).rate)

    def sample(self, lab, process, port):
        rate = int(min(self.capacities) / 2)
        with self.around(port):
            before = process.cpu_us() if process else 0
            done = load.client(lab, f"http://127.0.0.1:{port}/", "-R", rate)
            used = process.cpu_us() - before if process else 0
        return {"cpu": used / done.done, "rate": done.rate, "p50": done.p50_us, "p99": done.p99_us}
