"""The demo: a whole experiment in one command, on a pipe."""
import os
import pathlib
import re

import pytest
from harness import records


@pytest.mark.slow
@pytest.mark.smoke
def test_the_demo(g):
    done = g.once("lab", seconds=180, env={**os.environ, "NO_COLOR": "1"})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", done.stdout), "control characters on a pipe"
    assert re.search(r"conserv", done.stdout, re.IGNORECASE), done.stdout[-3000:]
    logs = [pathlib.Path(p) if p.startswith("/") else g.folder / p for p in
            re.findall(r"[\w./-]*coordinator[\w.-]*\.log", done.stdout)]
    found = logs or list(g.folder.rglob("coordinator*.log"))
    assert found, f"where are the logs? {done.stdout[-3000:]}"
    assert any(str(log.parent.name) in done.stdout for log in found), "the output says where"
    assert records(found[0])


@pytest.mark.slow
def test_the_demo_writes_where_it_is_told(g):
    done = g.once("lab", "--out", "here", seconds=180)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    logs = {p.name for p in (g.folder / "here").rglob("*.log")}
    assert any(n.startswith("client") for n in logs), logs
    assert any(n.startswith("coordinator") for n in logs), logs
    assert any(n.startswith("server") for n in logs), logs


def test_lab_list_and_show(g):
    done = g.once("lab", "list")
    assert done.returncode == 0 and done.stdout.strip()
    name = done.stdout.split()[0]
    assert g.once("lab", "show", name).returncode == 0
