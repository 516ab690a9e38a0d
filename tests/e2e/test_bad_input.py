"""What is wrong before the start: one line on standard error that helps, exit status 2."""
import re

import pytest
from peers import free_port

SERVER = ["--server", "127.0.0.1:9"]
COORDINATOR = ["coordinator", "--listen", "http://127.0.0.1:0"]

# name, arguments, what the line must name
BAD = [
    ("unknown-subcommand", ["coordinate"], "coordinate"),
    ("unknown-flag", [*COORDINATOR, *SERVER, "--treads", "2"], "--treads"),
    ("unknown-flag-server", ["server", "--listn", "127.0.0.1:0"], "--listn"),
    ("unknown-flag-client", ["client", "http://127.0.0.1:9/", "--conections", "3"],
     "--conections"),
    ("no-servers", COORDINATOR, "--server"),
    ("port-too-large", ["coordinator", "--listen", "http://127.0.0.1:65536", *SERVER], "65536"),
    ("port-letters", ["coordinator", "--listen", "http://127.0.0.1:http", *SERVER], "http"),
    ("port-missing", [*COORDINATOR, "--server", "127.0.0.1"], "127.0.0.1"),
    ("port-zero-server", [*COORDINATOR, "--server", "127.0.0.1:0"], "127.0.0.1:0"),
    ("port-plus", [*COORDINATOR, "--server", "127.0.0.1:+80"], "+80"),
    ("scheme", ["coordinator", "--listen", "ftp://127.0.0.1:0", *SERVER], "ftp"),
    ("same-server-twice", [*COORDINATOR, *SERVER, *SERVER], "127.0.0.1:9"),
    ("name-unresolved", [*COORDINATOR, "--server", "nobody.invalid:80"], "nobody.invalid"),
    ("listen-unresolved", ["server", "--listen", "http://nobody.invalid:0"], "nobody.invalid"),
    ("client-unresolved", ["client", "http://nobody.invalid/", "-n", "1"], "nobody.invalid"),
    ("weight-zero", [*COORDINATOR, "--server", "127.0.0.1:9=0"], "0"),
    ("weight-letters", [*COORDINATOR, "--server", "127.0.0.1:9=many"], "many"),
    ("weight-negative", [*COORDINATOR, "--server", "127.0.0.1:9=-1"], "-1"),
    ("policy", [*COORDINATOR, *SERVER, "--policy", "round-robbin"], "round-robin"),
    ("threads-letters", [*COORDINATOR, *SERVER, "--threads", "two"], "--threads"),
    ("threads-zero", [*COORDINATOR, *SERVER, "--threads", "0"], "--threads"),
    ("threads-negative", [*COORDINATOR, *SERVER, "--threads", "-1"], "--threads"),
    ("log-full", [*COORDINATOR, *SERVER, "--log-full", "wit"], "--log-full"),
    ("log-folder-missing", [*COORDINATOR, *SERVER, "--log", "/nonexistent/a.log"],
     "/nonexistent/a.log"),
    ("log-is-a-folder", [*COORDINATOR, *SERVER, "--log", "/"], "/"),
    ("log-folder-missing-server", ["server", "--listen", "http://127.0.0.1:0", "--log",
                                   "/nonexistent/a.log"], "/nonexistent/a.log"),
    ("delay-unit", ["server", "--listen", "http://127.0.0.1:0", "--delay", "5parsecs"], "5parsecs"),
    ("delay-shape", ["server", "--listen", "http://127.0.0.1:0", "--delay", "gauss(5ms)"], "gauss"),
    ("fail-rate", ["server", "--listen", "http://127.0.0.1:0", "--fail", "140%"], "140%"),
    ("fail-status", ["server", "--listen", "http://127.0.0.1:0", "--fail", "1%:42"], "42"),
    ("client-no-url", ["client"], "URL"),
    ("client-scheme", ["client", "gopher://127.0.0.1/"], "gopher"),
    ("client-connections-zero", ["client", "http://127.0.0.1:9/", "-c", "0"], "connections"),
    ("client-number", ["client", "http://127.0.0.1:9/", "-n", "12x"], "12x"),
    ("client-overflow", ["client", "http://127.0.0.1:9/", "-n", "99999999999999999999"],
     "99999999999999999999"),
    ("client-header", ["client", "http://127.0.0.1:9/", "-H", "no colon", "-n", "1"], "no colon"),
    ("report-missing", ["report", "/nonexistent/a.log"], "/nonexistent/a.log"),
    ("report-nothing", ["report"], ""),
    ("lab-missing", ["lab", "/nonexistent/lab.toml"], "/nonexistent/lab.toml"),
]


@pytest.mark.parametrize("args,names", [pytest.param(*rest, id=name) for name, *rest in BAD])
def test_bad_input(g, args, names):
    done = g.once(*args)
    lines = done.stderr.strip().splitlines()
    assert (done.returncode, len(lines)) == (2, 1), (done.returncode, done.stderr, done.stdout)
    assert done.stdout == ""
    assert names in lines[0], lines[0]


def test_the_nearest_flag_is_named(g):
    for wrong, right in (("--treads", "--threads"), ("--polcy", "--policy")):
        done = g.once(*COORDINATOR, *SERVER, wrong, "2")
        assert re.search(rf"{right}\b", done.stderr), done.stderr


def test_a_port_in_use_is_named_for_servers_too(g):
    server = g.server("s1")
    done = g.once("server", "--listen", f"http://127.0.0.1:{server.port}")
    assert done.returncode == 2
    assert str(server.port) in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_client_without_a_server_fails_and_says_why(g):
    port = free_port()
    done = g.once("client", f"http://127.0.0.1:{port}/", "-n", "10", "-c", "2")
    assert done.returncode == 1
    assert "refused" in (done.stdout + done.stderr).lower()


def test_an_error_leaves_no_log_behind_that_was_not_there(g):
    done = g.once(*COORDINATOR, "--server", "nobody.invalid:80", "--log", g.folder / "never.log")
    assert done.returncode == 2
    assert not (g.folder / "never.log").exists()


@pytest.mark.parametrize("args", [["--help"], ["coordinator", "--help"], ["server", "--help"],
                                  ["client", "--help"], ["report", "--help"], ["lab", "--help"],
                                  ["--version"]])
def test_help_goes_to_standard_output(g, args):
    done = g.once(*args)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_help_of_the_coordinator_names_every_flag_of_the_contract(g):
    text = g.once("coordinator", "--help-all").stdout
    for flag in ("--listen", "--server", "--policy", "--threads", "--log", "--log-full"):
        assert flag in text, flag
