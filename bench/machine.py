"""This machine: what it is, and which processors go to whom."""
import dataclasses
import os
import pathlib
import platform
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
HAPROXY = ROOT / "build/peers/haproxy/root/usr/sbin/haproxy"
NGINX = ROOT / "build/peers/nginx/root/usr/sbin/nginx"


@dataclasses.dataclass(frozen=True)
class Pinning:
    """Lists of processors as taskset takes them. A proxy of one worker has one to itself."""
    proxy: str
    rest: str
    proxy_two: str       # of a proxy of two workers,
    beside_two: str      # and of servers and load beside it: apart only where there are four


def pinning(cpus):
    """cpus: the numbers of the processors we may use."""
    def text(some):
        return ",".join(str(c) for c in some)
    cpus = sorted(cpus)
    rest = cpus[1:] or cpus
    return Pinning(proxy=str(cpus[0]), rest=text(rest), proxy_two=text(cpus[:2]),
                   beside_two=text(cpus[2:] if len(cpus) >= 4 else cpus[:2]))


def here():
    return pinning(os.sched_getaffinity(0))


def _said(*argv):
    """The first line that a program prints of itself."""
    try:
        done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, check=False)
    except OSError:
        return "absent"
    return ((done.stdout + done.stderr).splitlines() or ["silent"])[0]


def describe():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", info)
    haproxy = re.search(r"version (\S+)", _said(HAPROXY, "-v"))
    return {"processors": len(os.sched_getaffinity(0)),
            "model": model.group(1).strip() if model else platform.machine(),
            "system": f"{platform.system()} {platform.release()}",
            "haproxy": haproxy.group(1) if haproxy else "absent",
            "nginx": _said(NGINX, "-v").rpartition("/")[2],
            "wrk": (_said("wrk", "-v").split() + ["", "absent"])[1]}
