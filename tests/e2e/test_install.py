"""What ./run install puts where a user expects it: run from there."""
import pathlib
import re
import shutil
import subprocess

import pytest
from harness import GILIRAN, ROOT, SLOW, exchange, status_of
from peers import free_port, until


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    build = pathlib.Path(GILIRAN).parent
    if not (build / "cmake_install.cmake").exists() or not shutil.which("cmake"):
        pytest.skip(f"{build} is no build folder of cmake")
    prefix = tmp_path_factory.mktemp("prefix")
    done = subprocess.run(["cmake", "--install", str(build), "--prefix", str(prefix)],
                          capture_output=True, text=True, timeout=60 * SLOW)
    assert done.returncode == 0, done.stderr
    return prefix


def test_the_program_runs_from_there(g, installed):
    server = g.server("s1")
    port = free_port()
    err = g.folder / "installed.err"
    with open(err, "wb") as out:
        process = subprocess.Popen(
            [str(installed / "bin/giliran"), "coordinator", "--listen", f"127.0.0.1:{port}",
             "--server", server.address], cwd="/", stderr=out)
    try:
        until(lambda: "listening on" in err.read_text(), "it listens", 20 * SLOW)
        answer = exchange(port, b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert status_of(answer) == 200
    finally:
        process.terminate()
        assert process.wait(20 * SLOW) == 0


def test_the_example_configuration_is_good(installed):
    example = installed / "share/giliran/coordinator.toml"
    assert example.read_text() == (ROOT / "packaging/coordinator.toml").read_text()
    done = subprocess.run([str(installed / "bin/giliran"), "check", str(example)],
                          capture_output=True, text=True, timeout=20 * SLOW)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout + done.stderr


def test_the_unit_names_the_program_that_was_installed(installed):
    unit = (installed / "lib/systemd/system/giliran.service").read_text()
    start, = re.findall(r"^ExecStart=(\S+) coordinator -c /etc/giliran/coordinator.toml$", unit,
                        re.MULTILINE)
    assert start == str(installed / "bin/giliran")
    # systemd waits longer than the coordinator drains.
    drain = re.search(r'^drain_timeout = "(\d+)s"', (ROOT / "packaging/coordinator.toml")
                      .read_text(), re.MULTILINE)
    stop = re.search(r"^TimeoutStopSec=(\d+)s", unit, re.MULTILINE)
    assert int(stop.group(1)) > int(drain.group(1))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")
def test_the_units_are_what_systemd_understands(installed, tmp_path):
    for name, folder in (("giliran.service", "lib/systemd/system"),
                         ("giliran.socket", "share/giliran")):
        shutil.copy(installed / folder / name, tmp_path / name)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                           str(tmp_path / "giliran.service"), str(tmp_path / "giliran.socket")],
                          capture_output=True, text=True, timeout=60 * SLOW)
    ours = [line for line in done.stderr.splitlines() if "giliran" in line]
    assert done.returncode == 0 and not ours, done.stderr
