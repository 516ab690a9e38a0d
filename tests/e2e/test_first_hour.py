"""What a person meets first: help, words of other tools, a pipe, a port in use, silence."""
import json
import signal
import subprocess

import pytest
from harness import GILIRAN, ROOT, SLOW, is_open
from peers import free_port, until

COMMANDS = ["coordinator", "server", "client", "lab", "report", "compare", "check"]


@pytest.mark.parametrize("args", [["--help"], ["help"]] +
                         [[c, flag] for c in COMMANDS for flag in ("--help", "--help-all")])
def test_help_fits_eighty_columns(g, args):
    done = g.once(*args)
    assert (done.returncode, done.stderr) == (0, "")
    assert not [line for line in done.stdout.splitlines() if len(line) > 80]


def test_help_of_the_build_fits_too():
    done = subprocess.run([ROOT / "run", "help"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "./run COMMAND" in done.stdout
    assert not [line for line in done.stdout.splitlines() if len(line) > 80]


def test_a_url_without_a_scheme_is_http_and_said(g):
    server = g.server("s1")
    done = g.once("client", server.address, "-n", 3, "-c", 1, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["plan"]["url"] == f"http://{server.address}"
    assert f"no scheme in '{server.address}', http://{server.address} is asked" in done.stderr
    quiet = g.once("client", server.address, "-n", 3, "-c", 1, "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def piped(text, *args):
    return subprocess.run([GILIRAN, *args], input=text, capture_output=True, text=True,
                          timeout=30 * SLOW)


def test_check_reads_a_pipe(g):
    good = ('[[listener]]\naddress = ":80"\npool = "a"\n[[pool]]\nname = "a"\n'
            'servers = "10.0.0.1:80"\n')
    done = piped(good, "check", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "standard input: good: 1 listener, 1 pool, 1 server\n"
    printed = piped(good, "check", "--print", "-").stdout
    assert piped(printed, "check", "-").stdout == done.stdout
    done = piped("treads = 1\n", "check", "-")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "standard input:1:1: unknown key 'treads'; did you mean 'threads'?\n"
    shown = g.once("lab", "show", "tail").stdout
    assert "good: scenario tail" in piped(shown, "check", "-").stdout
    # A shell's <(...) is a pipe too.
    done = subprocess.run(["bash", "-c", f"{GILIRAN} check <(printf '%s' '{good}')"],
                          capture_output=True, text=True, timeout=30 * SLOW)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("args", [["server"], ["coordinator", "--server", "127.0.0.1:9"]])
def test_who_has_the_port_is_named(g, args):
    server = g.server("s1")
    done = g.once(*args, "--listen", server.address)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"giliran {args[0]}: {server.address} is in use by giliran server (pid "
                           f"{server.pid}); choose another with --listen\n")


def test_quiet_is_quiet(g):
    port, front = free_port(), free_port()
    server = g._start("server", ["server", "--listen", f"127.0.0.1:{port}", "-q"], 0)
    coordinator = g._start("coordinator", ["coordinator", "--listen", f"127.0.0.1:{front}",
                                           "--server", f"127.0.0.1:{port}", "-q"], 0)

    until(lambda: is_open(port) and is_open(front), "both listen", 20 * SLOW)
    done = g.once("client", f"http://127.0.0.1:{front}/", "-n", 10, "-c", 2, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    coordinator.signal(signal.SIGUSR1)
    assert (coordinator.stop(), server.stop()) == (0, 0)
    assert (coordinator.err, server.err) == ("", "")


def test_quiet_hides_no_warning(g):
    port = free_port()
    coordinator = g._start("coordinator", ["coordinator", "--listen", f"127.0.0.1:{port}",
                                           "--server", "127.0.0.1:9", "-q"], 0)
    until(lambda: is_open(port), "it listens", 20 * SLOW)
    coordinator.signal(signal.SIGHUP)  # configured by flags
    until(lambda: "nothing to reload" in coordinator.err, "a warning", 20 * SLOW)


def test_a_word_that_is_near_a_scenario(g):
    done = g.once("lab", "demoo")
    assert done.returncode == 2
    assert 'there is no built-in scenario "demoo", did you mean demo?' in done.stderr
