"""What the README says to type works as it is written, from the clone on."""
import pathlib
import re
import subprocess

import pytest
from harness import GILIRAN, ROOT, SLOW, records
from peers import free_port, until

README = (ROOT / "README.md").read_text()


def blocks(title):
    """The blocks of code of a chapter, as lists of lines."""
    chapter = README.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [block.strip().splitlines() for block in re.findall(r"```\n(.*?)```", chapter, re.S)]


@pytest.fixture
def shell(g):
    """Runs a line of the README: giliran is found as the README says, other ports, less time."""
    if pathlib.Path(GILIRAN).parent.parent != ROOT / "build":
        pytest.skip("the program under test is not where ./run build puts it")
    path, = [line for block in blocks("By hand, in three terminals") for line in block
             if line.startswith("export PATH=")]
    path = path.replace("build/release", f"build/{pathlib.Path(GILIRAN).parent.name}")
    ports = {}
    running = []

    def words(line):
        line = re.sub(r"127\.0\.0\.1[: ](9\d{3}|8080)", lambda m: m[0][:10] + str(
            ports.setdefault(m[1], free_port())), line)
        return re.sub(r"-d \d+s|--warmup \d+s", lambda m: m[0].split()[0] + " 500ms", line)

    def start(line):
        said = g.folder / f"said-{len(running)}"
        with open(said, "wb") as out:
            running.append(subprocess.Popen(
                ["bash", "-c", f"cd {ROOT} && {path} && cd {g.folder} && exec {words(line)}"],
                stdout=out, stderr=subprocess.STDOUT))
        until(lambda: "listening on" in said.read_text(), f"{line} listens", 20 * SLOW)

    def run(line, good=True):
        done = subprocess.run(
            ["bash", "-c", f"cd {ROOT} && {path} && cd {g.folder} && {words(line)}"],
            capture_output=True, text=True, timeout=60 * SLOW)
        assert done.returncode == 0 or not good, (line, done.stdout, done.stderr)
        return done.stdout
    yield start, run
    for process in running:
        process.terminate()
        process.wait(20 * SLOW)


def test_by_hand_in_three_terminals(g, shell):
    start, run = shell
    assert pathlib.Path(run("command -v giliran").strip()) == pathlib.Path(GILIRAN)
    _, tiers, report, page, *_ = blocks("By hand, in three terminals")
    for line in tiers:
        (run if line.startswith("giliran client") else start)(line)
    assert len(records(g.folder / "client.log")) > 10
    until(lambda: "everything is accounted for" in run(report[0], good=False),
          "the last records of the servers", 10 * SLOW)
    run(page[0])
    assert (g.folder / "page.html").stat().st_size > 10_000
