"""giliran compare with results of real clients."""
import json

import pytest
from harness import SLOW


def measure(g, url, name, *extra):
    path = g.folder / f"{name}.json"
    g.run_client(url, "-c", "4", "-d", "1200ms", "--seed", "1", "--json", path, *extra, name=name)
    return path


@pytest.mark.slow
def test_worse_better_and_the_same(g):
    fast = g.server("fast", "--delay", "4ms")
    slow = g.server("slow", "--delay", "12ms")
    a = measure(g, fast.url(), "a")
    b = measure(g, slow.url(), "b")
    worse = g.once("compare", a, b, "--json", g.folder / "c.json", "--html", g.folder / "c.html")
    assert worse.returncode == 3, worse.stdout + worse.stderr
    assert "B is worse than A: response p50 +" in worse.stdout
    assert "WARNING: the plans differ: url" in worse.stdout
    compared = json.loads((g.folder / "c.json").read_text())
    assert compared["format"] == "giliran-compare/1" and compared["verdict"] == "worse"
    p50 = next(r for r in compared["rows"] if (r["metric"], r["what"]) == ("service_time", "p50"))
    assert p50["a"] < p50["b"] and p50["low"] > 0
    assert (g.folder / "c.html").read_text().lstrip().lower().startswith("<!doctype html>")
    better = g.once("compare", b, a)
    assert better.returncode == 0 and "B is better than A" in better.stdout
    same = g.once("compare", a, a)
    assert same.returncode == 0 and "no difference shown between A and B" in same.stdout


@pytest.mark.slow
def test_two_clients_at_the_same_time_merge_exactly(g):
    server = g.server("s1", "--delay", "3ms")
    paths = [g.folder / "m1.json", g.folder / "m2.json"]
    flags = ["-c", "4", "-d", f"{2 * SLOW}s"]
    clients = [g.client(server.url(), *flags, "--json", path, name=path.stem) for path in paths]
    assert [client.wait(60) for client in clients] == [0, 0]
    merged_path = g.folder / "merged.json"
    done = g.once("compare", "--merge", *paths, "--json", merged_path)
    assert done.returncode == 0, done.stderr
    parts = [json.loads(path.read_text()) for path in paths]
    merged = json.loads(merged_path.read_text())
    for key in ("service_time", "response_time"):
        buckets = {}
        for part in parts:
            for low, high, count in part[key]["buckets"]:
                buckets[low, high] = buckets.get((low, high), 0) + count
        assert merged[key]["buckets"] == [[*edge, n] for edge, n in sorted(buckets.items())]
        assert merged[key]["count"] == sum(part[key]["count"] for part in parts)
        assert merged[key]["max_us"] == max(part[key]["max_us"] for part in parts)
    assert merged["totals"]["answered"] == sum(part["totals"]["answered"] for part in parts)
    if merged["merged"]["rates_add"]:
        assert merged["rate"] == pytest.approx(sum(part["rate"] for part in parts))
    assert g.once("compare", merged_path, merged_path).returncode == 0


def test_bad_files(g):
    (g.folder / "empty.json").write_text("")
    (g.folder / "other.json").write_text('{"format": "giliran-lab/2"}')
    (g.folder / "cut.json").write_text('{"format": "giliran-client/2", "totals": {')
    for name, what in [("none.json", "No such file or directory"), ("empty.json", "it is empty"),
                       ("other.json", "format is giliran-lab/2, expected giliran-client/2"),
                       ("cut.json", "the file ends within the JSON")]:
        done = g.once("compare", name, name)
        assert done.returncode == 2
        assert done.stderr.startswith(f"giliran compare: {name}: ") and what in done.stderr
        assert done.stdout == ""
