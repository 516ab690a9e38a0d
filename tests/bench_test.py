"""The parts of bench/ that measure nothing: who is compared with whom, and what is said of it."""
import json
import math
import pathlib
import random
import subprocess
import sys
import xml.dom.minidom

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import aims, bulk, load, machine, options, page, plot  # noqa: E402
from bench import row, rows, stats, table  # noqa: E402
from bench.process import BenchError, Process, free_port  # noqa: E402

KEYS = [one.key for one in rows.ROWS]


def cpu(**names):
    """Rounds from lists of CPU figures by name."""
    return [{name: {"cpu": value, "rate": 1000.0} for name, value in zip(names, values)}
            for values in zip(*names.values())]


# ---- statistics

@pytest.mark.parametrize("count,expected", [(1, 0.0), (2, 0.5), (5, 0.9375), (6, 0.96875)])
def test_few_values_give_the_lowest_and_the_highest_with_their_true_coverage(count, expected):
    low, high, coverage = stats.interval(list(range(count)))
    assert (low, high) == (0, count - 1)
    assert coverage == pytest.approx(expected)


def test_more_values_give_a_narrower_interval_that_still_covers():
    low, high, coverage = stats.interval(list(range(20)))
    assert (low, high) == (5, 14)  # the textbook's: 6th and 15th of 20, 95.9 %
    assert coverage == pytest.approx(0.9586, abs=1e-4)


def test_the_interval_holds_the_median_as_often_as_it_says():
    rng = random.Random(1)
    held = 0
    for _ in range(2000):
        low, high, coverage = stats.interval([rng.lognormvariate(0, 1) for _ in range(9)])
        held += low <= 1 <= high
    assert held / 2000 == pytest.approx(coverage, abs=0.02)


def test_ratios_are_taken_round_by_round():
    drifting = cpu(a=[10, 20, 40], b=[5, 10, 20])
    assert stats.ratios(drifting, "cpu", "a", "b") == [2, 2, 2]


def test_the_best_peer_has_the_lowest_median_not_the_lowest_value():
    assert stats.best(cpu(a=[1, 9, 9], b=[5, 5, 5]), "cpu", ["a", "b"]) == "b"
    assert stats.best(cpu(a=[1]), "cpu", []) is None


# ---- pinning, turns, options

@pytest.mark.parametrize("cpus,proxy,rest,two,beside", [
    ({0}, "0", "0", "0", "0"),
    ({0, 1}, "0", "1", "0,1", "0,1"),
    ({2, 5, 7, 9}, "2", "5,7,9", "2,5", "7,9"),
])
def test_pinning(cpus, proxy, rest, two, beside):
    pins = machine.pinning(cpus)
    assert (pins.proxy, pins.rest, pins.proxy_two, pins.beside_two) == (proxy, rest, two, beside)


def test_each_contestant_is_the_first_in_turn():
    names = ["a", "b", "c"]
    assert {row.turns(names, n)[0] for n in range(3)} == set(names)
    assert all(sorted(row.turns(names, n)) == names for n in range(5))


def test_options():
    args = options.parse(["--quick", "--only", "tcp,http", "--giliran", "x/y", "--giliran",
                          "new=z"], KEYS)
    assert args.only == ["tcp", "http"]
    assert list(args.giliran) == ["giliran", "new"]
    assert args.tool == pathlib.Path("x/y")
    assert args.rounds == options.QUICK_ROUNDS
    assert options.parse([], KEYS).rounds >= 6
    assert options.parse(["--quick", "--rounds", "4"], KEYS).rounds == 4


@pytest.mark.parametrize("argv", [["--only", "nothing"], ["--giliran", "relay=x"],
                                  ["--giliran", "a="], ["--giliran", "haproxy=x"],
                                  ["--seconds", "x"]])
def test_bad_options_are_refused(argv, capsys):
    with pytest.raises(SystemExit) as end:
        options.parse(argv, KEYS)
    assert end.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_the_entry_lists_every_row():
    done = subprocess.run([ROOT / "bench/run", "--list"], capture_output=True, text=True,
                          check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == KEYS
    assert len(set(KEYS)) == len(KEYS)


# ---- what load generators say

WRK = "  8842 requests in 1.10s, 1.64MB read\nRequests/sec:   8038.18\n"


def test_wrk_is_read():
    done = load.parse_wrk(WRK)
    assert done.done == 8842 and done.rate == pytest.approx(8038, abs=1)


@pytest.mark.parametrize("bad", ["  Non-2xx or 3xx responses: 3\n",
                                 "  Socket errors: connect 0, read 2, write 0, timeout 0\n"])
def test_a_request_that_failed_fails_the_row(bad):
    with pytest.raises(BenchError):
        load.parse_wrk(WRK + bad)


@pytest.mark.parametrize("totals", [{"failed": 1, "bad_status": 0, "answered": 9},
                                    {"failed": 0, "bad_status": 1, "answered": 9},
                                    {"failed": 0, "bad_status": 0, "answered": 0}])
def test_so_does_one_of_the_client(totals):
    with pytest.raises(BenchError):
        load.parse_client(json.dumps({"totals": totals, "errors": {}, "issuing_s": 1}))


def test_google_benchmark_is_read():
    text = json.dumps({"benchmarks": [
        {"name": "choose/round_robin/endpoints:10000/down:0", "cpu_time": 4.5}]})
    assert rows.Choice.parse(text) == {"round_robin/10000": 4.5}


# ---- processes, bulk

def test_a_process_that_does_not_listen_is_told_with_what_it_said(tmp_path):
    with pytest.raises(BenchError, match="no such thing"):
        Process(["sh", "-c", "echo no such thing"], "0-999", tmp_path / "out").wait_port(1)


def test_cpu_time_of_a_process_counts_its_children():
    process = Process(["sh", "-c", "(while :; do :; done) & wait"], "0-999")
    try:
        while process.cpu_us() < 20_000:
            assert process.popen.poll() is None
        assert len(process.thread_cpu_us()) >= 2
    finally:
        for pid in reversed(process.pids()):
            subprocess.run(["kill", str(pid)], check=False)
        process.stop()


@pytest.mark.parametrize("verb", ["get", "put"])
def test_bulk_counts_every_byte(verb, tmp_path):
    port = free_port()
    server = Process([sys.executable, ROOT / "bench/bulk.py", "serve", f"127.0.0.1:{port}"],
                     "0-999", tmp_path / "out").wait_port(port)
    try:
        assert bulk.transfer(verb, ("127.0.0.1", port), 3_000_000, 2) > 0
    finally:
        server.stop()


def test_lost_bytes_are_an_error(tmp_path):
    class Ended:
        def recv_into(self, buffer, size, flags):
            return 0
    with pytest.raises(EOFError, match="7 bytes"):
        bulk.take(Ended(), 7)


# ---- tables, aims, the picture

def result(rounds, *gilirans):
    return {"gilirans": list(gilirans or ["giliran"]), "seconds": 1, "rounds": rounds}


def whole():
    """Something in every row."""
    names = {"relay": 10.0, "giliran": 12.0, "haproxy": 20.0, "nginx": 16.0, "direct": 1.0}
    made = {}
    for one in rows.ROWS:
        keys = {m.key for m in one.metrics} | {"cpu", "p50", "p99", "added"}
        made[one.key] = result([{name: dict.fromkeys(keys, value) for name, value in names.items()}
                                for _ in range(6)])
    return made


def by_name(name):
    return next(a for a in aims.AIMS if a.text.startswith(name))


def test_aims_at_their_limit():
    def verdict(ours):
        measured = {"tcp": result(cpu(relay=[10] * 6, giliran=[ours] * 6))}
        return aims.reached(by_name("TCP keep-alive"), measured).verdict
    assert (verdict(10.4), verdict(10.6)) == ("met", "not met")
    workers = by_name("Two workers")
    assert workers.met_by(1.8) and not workers.met_by(1.79)


def test_an_interval_over_the_limit_is_not_certain():
    rounds = cpu(relay=[10] * 6, giliran=[10, 10, 10, 10, 11, 11])
    got = aims.reached(by_name("TCP keep-alive"), {"tcp": result(rounds)})
    assert got.verdict == "met, not certain"


def test_the_share_of_the_overhead():
    got = aims.reached(by_name("HTTP/1.1 keep-alive"), {"http-log": result(
        cpu(relay=[10] * 6, giliran=[13] * 6, haproxy=[30] * 6, nginx=[20] * 6))})
    assert got.value == pytest.approx(0.3)


def test_p99_is_compared_with_the_best_peer():
    rounds = [{"giliran": {"added": 50}, "haproxy": {"added": 90}, "nginx": {"added": 40}}]
    got = aims.reached(by_name("p99"), {"latency": result(rounds)})
    assert got.value == 10 and got.verdict == "not met"


def test_what_was_not_measured_is_not_met():
    assert aims.reached(by_name("TCP keep-alive"), {}) is None
    assert aims.reached(by_name("TCP keep-alive"), {"tcp": result(cpu(giliran=[1]))}) is None
    assert aims.table({}).count("not measured") == len(aims.AIMS)


def test_aims_name_rows_that_exist():
    assert {a.row for a in aims.AIMS} <= set(KEYS)
    assert all(aims.reached(a, whole()) is not None for a in aims.AIMS)


def test_a_table_compares_with_floor_peer_and_first_build():
    rounds = cpu(relay=[10.0] * 6, giliran=[12.0] * 6, new=[11.0] * 6, haproxy=[20.0] * 6,
                 nginx=[16.0] * 6)
    text = table.table(rows.ROWS[0], rounds, ["giliran", "new"])
    assert "best peer (nginx)" in text and "ratio to giliran" in text
    line = next(line for line in text.splitlines() if "| new" in line)
    cells = [cell.strip() for cell in line.split("|")]
    assert cells[2] == "11.0" and "0.92 [0.92–0.92]" in cells and "1.10 [1.10–1.10]" in cells


def test_the_page_has_every_row_and_aim():
    results = {"rows": whole(), "machine": {
        "processors": 2, "model": "m", "system": "s", "haproxy": "1", "nginx": "2", "wrk": "3",
        "idle": 4000, "pinning": vars(machine.pinning({0, 1}))}}
    text = page.write(results)
    assert all(one.title in text for one in rows.ROWS)
    assert all(a.text in text for a in aims.AIMS)


def test_the_picture_is_well_formed_and_in_its_frame():
    picture = xml.dom.minidom.parseString(plot.draw(whole()))
    height = float(picture.documentElement.getAttribute("height"))
    for text in picture.getElementsByTagName("text"):
        assert 0 <= float(text.getAttribute("x")) <= plot.WIDTH
        assert 0 <= float(text.getAttribute("y")) <= height
    drawn = [p for p in picture.getElementsByTagName("path") if p.getElementsByTagName("title")]
    assert len(drawn) >= 3 * len([k for k in plot.LABELS if k in KEYS])
    assert not math.isnan(height)
