"""Three logs of one run agree, and giliran report says so; what is missing it names."""
import json
import re

import pytest
from harness import counts, records


def run(g, requests=2000, listen="http://127.0.0.1:0"):
    """A run that loses nothing; everything has ended when this returns: (client, all logs)."""
    servers = g.servers(3, listen=[listen])
    coordinator = g.coordinator(*servers, listen=[listen])
    url = f"{listen.partition('://')[0]}://127.0.0.1:{coordinator.port}"
    client = g.run_client(url, "-n", requests, "-c", "8")
    assert coordinator.stop() == 0
    for server in servers:
        assert server.stop() == 0
    return client, coordinator, servers


def logs_of(run_of):
    client, coordinator, servers = run_of
    return [client.log, coordinator.log, *[s.log for s in servers]]


def drop_line(path, number):
    lines = path.read_bytes().splitlines(keepends=True)
    del lines[number]
    path.write_bytes(b"".join(lines))


@pytest.mark.smoke
def test_bytes_and_exchanges_are_equal_on_three_tiers(g):
    client, coordinator, servers = run(g)
    sent, found = records(client.log), records(coordinator.log)
    served = records(*[s.log for s in servers])
    assert len(sent) == len(found) == len(served) == 2000
    assert {r["parent"] for r in found} == {r["span"] for r in sent}
    assert {r["parent"] for r in served} == {r["span"] for r in found}
    assert {r["trace"] for r in served} == {r["trace"] for r in sent}
    total = {}
    for tier, rows in (("client", sent), ("coordinator", found), ("server", served)):
        for field in ("up_out", "up_in", "down_in", "down_out", "body_in", "body_out"):
            total[tier, field] = sum(r.get(field, 0) for r in rows)
    assert total["client", "up_out"] == total["coordinator", "down_in"]
    assert total["client", "up_in"] == total["coordinator", "down_out"]
    assert total["coordinator", "up_out"] == total["server", "down_in"]
    assert total["coordinator", "up_in"] == total["server", "down_out"]
    assert len({total[tier, "body_out"] for tier in ("coordinator", "server")}) == 1


def test_phases_add_up(g):
    """docs/formats/record.md: to within rounding, and there are three decimals and six phases."""
    _, coordinator, _ = run(g, requests=300)
    for r in records(coordinator.log):
        phases = ("head", "queue", "connect", "send", "wait", "data")
        parts = sum(r.get(f"{phase}_us", 0) for phase in phases)
        assert abs(parts - r["total_us"]) < 0.01, r


@pytest.mark.smoke
def test_report_says_conserved(g):
    done = g.once("report", *logs_of(run(g)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"(?m)^Conservation: everything is accounted for", done.stdout), done.stdout
    assert "2,000" in done.stdout or "2000" in done.stdout


@pytest.mark.smoke
def test_report_says_conserved_for_flows(g):
    done = g.once("report", *logs_of(run(g, listen="tcp://127.0.0.1:0")))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"(?m)^Conservation: everything is accounted for", done.stdout), done.stdout


@pytest.mark.parametrize("target_bytes", [9_000, 20_000])
def test_report_accounts_for_what_the_coordinator_could_not_read(g, target_bytes):
    """Its record has no parent: whose request it was stood in what was too long."""
    server = g.server("s1")
    coordinator = g.coordinator(server)
    client = g.client(coordinator.url("/" + target_bytes * "a"), "-n", "3", "-c", "1")
    client.wait(60)
    assert coordinator.stop() == 0 and server.stop() == 0
    assert len(records(client.log)) == 3
    done = g.once("report", client.log, coordinator.log, server.log)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"(?m)^Conservation: everything is accounted for", done.stdout), done.stdout
    assert "all ok" not in done.stdout, done.stdout
    if any(r["end"] == "ok" for r in records(client.log)):
        assert "refused before it could be read" in done.stdout, done.stdout


def test_report_names_a_server_record_that_is_missing(g):
    ended = run(g, requests=200)
    drop_line(ended[2][0].log, 5)
    done = g.once("report", *logs_of(ended))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "NOT conserved" in done.stdout
    assert "1 answered but not recorded (no server record)" in done.stdout, done.stdout


def test_report_names_a_coordinator_record_that_is_missing(g):
    ended = run(g, requests=200)
    drop_line(ended[1].log, 5)
    done = g.once("report", *logs_of(ended))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 answered but not recorded (no coordinator record)" in done.stdout, done.stdout


def test_report_names_what_was_executed_twice(g):
    """A difference with a name is accounted for; it is shown, with its count and an example."""
    ended = run(g, requests=200)
    log = ended[2][0].log
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines, lines[1]]))
    done = g.once("report", *logs_of(ended))
    named = re.search(r"executed twice .*\b1\b.*server-s1\.log:\d+ span [0-9a-f]{16}", done.stdout)
    assert named, done.stdout


def test_report_as_json(g):
    done = g.once("report", *logs_of(run(g, requests=200)), "--json")
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict)


def test_report_of_the_client_alone_counts_servers(g):
    client, *_ = run(g, requests=300)
    assert counts(records(client.log), "server") == {"s1": 100, "s2": 100, "s3": 100}
    assert g.once("report", client.log).returncode == 0
