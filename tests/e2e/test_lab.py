"""The demo: a whole experiment in one command, on a pipe."""
import json
import os
import re

import pytest
from harness import counts, records

# What one of the demo's runs counts, and in whose logs.
KIND = {"tcp": "message", "http": "exchange"}


def numbers(text):
    return [int(n.replace(",", "")) for n in text]


@pytest.mark.slow
@pytest.mark.smoke
def test_the_demo(g):
    done = g.once("lab", "--keep-logs", seconds=180, env={**os.environ, "NO_COLOR": "1"})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    text = done.stdout
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", text + done.stderr), "no terminal, no controls"
    runs = {p.parent.name: p.parent for p in (g.folder / "giliran-demo").glob("*/coordinator.log")}
    assert {"tcp-block-1", "tcp-block-16", "http-block-1", "http-block-16"} <= set(runs)
    assert len(re.findall(r"giliran-demo/[\w-]+/coordinator\.log", text)) >= 1, "where the logs are"
    total = dict.fromkeys(("flow", "message", "exchange"), 0)
    for name, folder in runs.items():
        assert re.search(rf"(?m)^{name} +[\d,.]+ +", text), f"no row of {name}"
        sent, found = records(folder / "client.log"), records(folder / "coordinator.log")
        served = records(*folder.glob("server-*.log"))
        kind = KIND[name.split("-")[0]]
        assert counts(sent, "kind")[kind] == counts(served, "kind")[kind] > 100, name
        assert counts(sent, "end") == {"ok": len(sent)}, name
        # Round robin, counted here and as the table says it.
        turns = sorted(counts(found, "server").values())
        assert turns[-1] - turns[0] <= 1 and sum(turns) == len(found), name
        row = re.search(rf"(?m)^{name} +(connections|requests) +([\d,]+) +([\d,]+) +([\d,]+)  even",
                        text)
        assert row and sorted(numbers(row.groups()[1:])) == turns, name
        total["flow" if kind == "message" else kind] += len(found)
        total["message"] += counts(sent, "kind")["message"]
    line = re.search(r"Conservation: ([\d,]+) flows, ([\d,]+) messages, ([\d,]+) exchanges, as "
                     "many at the client, the coordinator and the servers", " ".join(text.split()))
    assert line, text
    assert numbers(line.groups()) == [total["flow"], total["message"], total["exchange"]]


@pytest.mark.slow
@pytest.mark.timing
def test_threads_show_where_work_waits(g):
    """What the demo is there to show, and where it is told to write."""
    done = g.once("lab", "--out", "here", seconds=180)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert json.loads((g.folder / "here/result.json").read_text())
    rate = {name: numbers([value])[0] for name, value in
            re.findall(r"(?m)^([a-z]+-[a-z]+-\d+) +([\d,]+) +", done.stdout)}
    for scheme in ("tcp", "http"):
        assert rate[f"{scheme}-block-16"] > 4 * rate[f"{scheme}-block-1"], rate


def test_lab_list_and_show(g):
    done = g.once("lab", "list")
    assert done.returncode == 0 and done.stdout.strip()
    name = done.stdout.split()[0]
    assert g.once("lab", "show", name).returncode == 0
