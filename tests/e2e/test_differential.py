"""What giliran passes on is read the same way by two real servers; what it refuses reaches neither.

The same bytes go through giliran to nginx and to Apache (readers.py: both lenient, both write down
what they read), and, as evidence that the bytes are awkward, straight to them. A reading belongs to
an exchange of the coordinator's log by the span giliran made for it, so that a request nobody
passed on, a smuggled one, has none. SEED=N tries other mutations.
"""
import collections
import concurrent.futures
import contextlib
import os
import socket

import pytest
import readers
from awkward import TABLE, generate
from harness import SLOW, records
from peers import until

SEED = int(os.environ.get("SEED", "3"))
GENERATED = 1500
STRAIGHT = 250  # of the generated ones are shown to the servers directly
LAST = b"GET /the-last-one HTTP/1.1\r\nHost: h\r\n\r\n"


def source(number):
    """Each case has an address of its own: it is how logs tell them apart."""
    return f"127.77.{number >> 8}.{number & 255}"


def say(port, number, data):
    """Sends, ends its side, and reads to the end."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), 15 * SLOW, (source(number), 0)) as client:
        client.settimeout(15 * SLOW)
        with contextlib.suppress(ConnectionError):
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while more := client.recv(65536):
                answer += more
    return answer


def say_all(port, cases):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        jobs = [pool.submit(say, port, number, data)
                for number, (_, data, *_) in enumerate(cases, 1)]
        answers = [job.result() for job in jobs]
    say(port, 0, LAST)
    return answers


class Side:
    """One coordinator with one server behind it, after all cases: records and readings by case."""

    def __init__(self, g, reader, cases):
        coordinator = g.configured(f"""
threads = 1
[[listener]]
address = "http://127.0.0.1:0"
pool = "app"
half_close = "wait"  # each case ends its side, so that nothing is waited for that never comes
[[pool]]
name = "app"
servers = ["{reader.address}"]
""", log=f"{reader.peer.name}.log")
        self.name = reader.peer.name
        self.answers = say_all(coordinator.port, cases)
        self.records = collections.defaultdict(list)
        coordinator.stop()
        for record in records(coordinator.log):
            self.records[(record.get("client") or record["peer"]).rpartition(":")[0]].append(record)
        self.passed_on = {r["span"]: r for of_one in self.records.values() for r in of_one
                          if r.get("up_out")}
        self.readings = []

        def all_read():
            self.readings += reader.readings()
            spans = {r["span"] for r in self.readings}
            return all(r["span"] in spans for r in self.passed_on.values()
                       if r["end"] == "ok" and r["status"] < 400)
        with contextlib.suppress(TimeoutError):  # the comparison names what is missing
            until(all_read, "every exchange is in the server's log", 10 * SLOW)
        self.by_span = collections.defaultdict(list)
        for reading in self.readings:
            self.by_span[reading["span"]].append(reading)

    def of(self, number):
        """[(record, reading or None)] of what was passed on whole, in order."""
        found = sorted(self.records[source(number)], key=lambda r: r["seq"])
        return [(r, next(iter(self.by_span[r["span"]]), None)) for r in found
                if r["span"] in self.passed_on]

    def problems(self, number, name):
        """What is wrong without looking at the other side."""
        for record, reading in self.of(number):
            what = f"{name} -> {self.name}: {record['method']} {record['target'][:60]}"
            if reading is None:
                if record.get("status", 0) < 400 and record["end"] == "ok":
                    yield f"{what}: answered {record['status']}, but not in the server's log"
                continue
            if record["end"] == "bad-request" and reading["status"] < 400:
                yield f"{what}: refused while it was on its way, but read as whole: {reading}"
            if record["method"] != reading["method"] and reading["status"] < 400:
                yield f"{what}: read as {reading}"

    def strangers(self):
        """Readings that no exchange of ours explains; a refusal need not have found the span."""
        counts = {span: len(found) for span, found in self.by_span.items()}
        refused = sum(1 for r in self.passed_on.values()
                      if r.get("status", 0) >= 400 and not counts.get(r["span"]))
        cut = sum(1 for r in self.passed_on.values()
                  if r["end"] != "ok" and not counts.get(r["span"]))
        unexplained = [r for r in self.readings if r["span"] not in self.passed_on]
        accepted = [r for r in unexplained if r["status"] < 400]
        twice = [found for found in self.by_span.values() if len(found) > 1 and found[0]["span"]]
        too_many = unexplained if len(unexplained) > refused + cut else []
        return accepted + twice + too_many


def meaning(reading, own=""):
    """own: the server's address, which giliran puts where a request names no host."""
    host = "" if reading["host"] == own else reading["host"]
    return reading["method"], reading["target"], host, reading["body"]


def accepted(reading):
    return reading is not None and reading["status"] < 400


@pytest.fixture
def servers(tmp_path):
    with readers.nginx(tmp_path / "reader") as nginx, readers.apache() as apache:
        yield nginx, apache


def test_both_servers_read_what_giliran_read(g, servers):
    cases = TABLE + generate(SEED, GENERATED)
    sides = [Side(g, reader, cases) for reader in servers]
    wrong, compared, refused_behind = [], 0, 0
    for side in sides:
        wrong += [f"a stranger at {side.name}: {reading}" for reading in side.strangers()]
    for number, (name, data, *expected) in enumerate(cases, 1):
        found = list(sides[0].problems(number, name)) + list(sides[1].problems(number, name))
        first, second = (side.of(number) for side in sides)
        ours = [[(r["method"], r["target"], r["end"] == "bad-request") for r, _ in of_side]
                for of_side in (first, second)]
        # A server that refuses a request ends the connection: what follows it is not passed on.
        shortest = min(map(len, ours))
        if ours[0][:shortest] != ours[1][:shortest]:
            found.append(f"{name}: giliran itself read it in two ways: {ours}")
        for (record, one), (_, two) in zip(first, second):
            if not accepted(one) or not accepted(two):
                refused_behind += 1
                continue
            compared += 1
            if meaning(one, servers[0].address) != meaning(two, servers[1].address):
                found.append(f"{name}: two readings: {one} and {two}")
        if len(expected) == 1 and expected[0] is not None:
            found += list(unexpected(name, expected[0], sides, number))
        wrong += [f"{problem}\n    {data[:300]!r}" for problem in found]
    assert not wrong, f"seed {SEED}, {len(wrong)} wrong:\n" + "\n".join(wrong[:40])
    print(f"{len(cases)} cases: {compared} requests read by both, {refused_behind} refused behind")
    assert compared > 400 and refused_behind < compared / 4


def unexpected(name, expected, sides, number):
    """A case of the table: refused with that status, or so many passed on."""
    for side in sides:
        found = side.of(number)
        if expected < 100:
            whole = [r for r, _ in found if r["end"] == "ok"]
            refused = any(r["status"] >= 400 for r in whole)
            if len(whole) != expected and not (refused and len(whole) < expected):
                yield f"{name} -> {side.name}: {len(whole)} passed on, expected {expected}"
            continue
        status = side.answers[number - 1][9:12]
        cut = any(record["end"] == "bad-request" for record, _ in found)
        if status != str(expected).encode() and not cut:
            yield f"{name} -> {side.name}: answered {status!r}, expected {expected}"
        if any(accepted(reading) for _, reading in found):
            yield f"{name} -> {side.name}: refused, but read"


def test_the_servers_read_the_same_bytes_in_two_ways(servers):
    """The evidence that the cases are awkward, and that a second reading would be found."""
    cases = TABLE + generate(SEED, STRAIGHT)
    seen = []
    for reader in servers:
        say_all(reader.port, cases)
        found = []

        def last_read():
            found.extend(reader.readings())
            return any(r["target"] == "/the-last-one" for r in found)
        until(last_read, f"the last request in the log of {reader.peer.name}", 10 * SLOW)
        by_client = collections.defaultdict(list)
        for reading in found:
            of_one = by_client[reading["client"]]
            of_one.append(meaning(reading) if reading["status"] < 400 else "refused")
        seen.append(by_client)
    different = [(name, seen[0][source(number)], seen[1][source(number)])
                 for number, (name, *_) in enumerate(cases, 1)
                 if seen[0][source(number)] != seen[1][source(number)]]
    two_readings = [one for one in different if "refused" not in one[1] + one[2]]
    for name, nginx, apache in different:
        print(f"{name}\n    nginx  {nginx}\n    apache {apache}")
    print(f"{len(different)} of {len(cases)} differ, {len(two_readings)} without a refusal")
    assert len(different) >= 50 and two_readings
