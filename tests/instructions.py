"""Instructions that a coordinator executes for one exchange, in user space: counted by callgrind.

Two runs that differ in nothing but the number of their exchanges are subtracted, function by
function: what starts and ends the process cancels out.
"""
import collections
import pathlib
import re
import shutil
import signal
import subprocess

from lockstep import ROWS, LockStep
from peers import until

VALGRIND = shutil.which("valgrind")
START_S = 60
FEW, MANY = 200, 800


def functions(path):
    """Instructions of each function itself (not of what it calls), of one callgrind file."""
    names, found = {}, collections.Counter()
    current, skip = None, False
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line[0].isdigit() or line[0] in "+-*":
                if not skip:
                    found[current] += int(line.split()[1])
                skip = False
            elif named := re.match(r"(c?fn)=\((\d+)\)(?: (.*))?$", line):
                kind, number, name = named.groups()
                if name:
                    names[number] = name
                if kind == "fn":
                    current = names[number]
            elif line.startswith("calls="):
                skip = True  # the next line is the cost of the callee
    return found


def short(name):
    """A C++ name without what tells overloads apart."""
    for long in ("(anonymous namespace)::", "giliran::", "std::__detail::", "std::__cxx11::"):
        name = name.replace(long, "")
    return re.sub(r"(?<!operator)\(.*\)( const)?$", "", name)


class Profile:
    """Instructions per exchange: the total, and by function, of all threads."""

    def __init__(self, by_function):
        self.by_function = by_function
        self.total = sum(by_function.values())

    def table(self, top=30):
        lines = [f"{self.total:9.0f}         all"]
        for name, cost in sorted(self.by_function.items(), key=lambda one: -one[1])[:top]:
            lines.append(f"{cost:9.1f} {100 * cost / self.total:5.1f} %  {short(name)}")
        return "\n".join(lines)


def count(giliran, folder, row, exchanges, connections=1, extra=()):
    """Runs a coordinator under callgrind for so many exchanges: instructions by function."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    err = folder / "coordinator.err"
    with LockStep() as steps:
        command = [VALGRIND, "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind.out",
                   str(giliran), "coordinator", "--listen", f"{row.scheme}://127.0.0.1:0",
                   "--server", steps.address, "--threads", "1", "--seed", "1",
                   *(("--log", folder / "coordinator.log") if row.log else ()), *extra]
        with open(err, "wb") as stream:
            process = subprocess.Popen([*map(str, command)], cwd=folder, stderr=stream,
                                       stdout=stream, stdin=subprocess.DEVNULL)
        try:
            port = until(lambda: listening(process, err), "the coordinator listens", START_S)
            steps.run(row, port, exchanges, connections)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_S)
    if process.returncode != 0:
        raise RuntimeError(f"the coordinator ended with {process.returncode}: {err.read_text()}")
    return functions(folder / "callgrind.out")


def listening(process, err):
    text = err.read_text(errors="replace")
    if process.poll() is not None:
        raise RuntimeError(f"it ended with {process.returncode}: {text}")
    found = re.search(r"listening on \w+://127\.0\.0\.1:(\d+)", text)
    return int(found.group(1)) if found else None


def measure(giliran, folder, name, few=FEW, many=MANY, connections=1, extra=()):
    """The Profile of a row of lockstep.ROWS."""
    folder = pathlib.Path(folder)
    less = count(giliran, folder / "few", ROWS[name], few, connections, extra)
    more = count(giliran, folder / "many", ROWS[name], many, connections, extra)
    more.subtract(less)
    return Profile({name: cost / (many - few) for name, cost in more.items() if cost})
