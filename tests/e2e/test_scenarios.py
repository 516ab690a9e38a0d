"""Scenario files: what there is and is shown, what is refused, and one that is run twice."""
import json

import pytest

SMALL = """scenario = "small"
about = "two policies, the same work"
repetitions = 2
expect = ["errors<50%", "rate of least-requests > 0.1 * rate of round-robin"]
servers = [{ count = 2, blocking = true, threads = 4 }]
client = { rate = 150, arrivals = "poisson", duration = "1s", connections = 50, delay = "exp(2ms)" }
vary = { "coordinator.policy" = ["round-robin", "least-requests"] }
"""


def names(g):
    done = g.once("lab", "list")
    assert done.returncode == 0, done.stderr
    return [line.split()[0] for line in done.stdout.splitlines()
            if line and line[0] != " " and " run" in line]


def test_what_is_shown_is_a_file_that_is_good(g):
    every = names(g)
    assert {"demo", "round-robin", "single-multi", "clients", "slow-server", "failover", "overload",
            "tail", "reuse"} <= set(every)
    for name in every:
        shown = g.once("lab", "show", name)
        assert shown.returncode == 0, shown.stderr
        file = g.folder / f"{name}-mine.toml"
        file.write_text(shown.stdout)
        checked = g.once("check", file)
        assert checked.returncode == 0, checked.stderr
        assert f"good: scenario {name}, " in checked.stdout
        expanded = g.once("check", "--print", file)
        assert expanded.returncode == 0 and expanded.stdout.count("[[run]]") >= 2
        again = g.folder / "expanded.toml"
        again.write_text(expanded.stdout)
        assert g.once("check", "--print", again).stdout == expanded.stdout


def test_a_bad_file_is_told_with_its_places_and_nothing_is_run(g):
    file = g.folder / "bad.toml"
    file.write_text('scenario = "bad"\n[client]\nconections = 5\n[[timeline]]\nat = "9s"\n'
                    'do = "kill"\nserver = "server-4"\n')
    for words in (("lab", file), ("check", file)):
        done = g.once(*words)
        assert done.returncode == 2, done.stdout
        assert (f"{file}:3:1: unknown key 'client.conections'; did you mean 'connections'?"
                in done.stderr)
    file.write_text(file.read_text().replace("conections", "connections"))
    done = g.once("lab", file)
    assert done.returncode == 2
    assert f"{file}:5:6: key 'timeline.at': bad value '9s': the run is over by then" in done.stderr
    assert f"{file}:7:10: key 'timeline.server': bad value 'server-4'" in done.stderr
    assert not list(g.folder.glob("giliran-*")), "nothing was run"
    missing = g.once("lab", "not-there.toml")
    assert missing.returncode == 2 and "not-there.toml" in missing.stderr
    unknown = g.once("lab", "overlod")
    assert unknown.returncode == 2 and "overload" in unknown.stderr


@pytest.mark.slow
def test_a_file_is_run_and_run_again_with_the_same_work(g):
    file = g.folder / "small.toml"
    file.write_text(SMALL)
    done = g.once("lab", file, "--out", "first", "--seed", "7", seconds=120)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    again = g.once("lab", "rerun", "first", "--out", "second", seconds=120)
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    first, second = (json.loads((g.folder / name / "result.json").read_text())
                     for name in ("first", "second"))
    assert first["seed"] == second["seed"] == 7
    assert first["planned"] == second["planned"] == [
        "round-robin-r1", "least-requests-r1", "least-requests-r2", "round-robin-r2"]
    assert all(claim["met"] for claim in first["claims"]) and len(first["claims"]) == 1
    issued = {run["name"]: run["measured"]["issued"] for run in first["runs"] + second["runs"]}
    for repetition in ("r1", "r2"):
        assert issued[f"round-robin-{repetition}"] == issued[f"least-requests-{repetition}"]
    assert issued["round-robin-r1"] != issued["round-robin-r2"], "another seed, other arrivals"
