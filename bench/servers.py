"""The servers behind the proxies, the same for every contestant of a row."""
import sys

from .contestants import NGINX_TEMP, nginx_process
from .machine import ROOT
from .process import Process

SMALL = "hello, this is a small answer of sixty-four bytes, no more......"
FILES = {"16k": 16 << 10, "1m": 1 << 20, "big": 1 << 30}


def http(lab, folder, cpus, addresses):
    """nginx: / answers 64 bytes, also to a POST; /16k, /1m and /big are files."""
    files = folder / "files"
    files.mkdir()
    for name, size in FILES.items():
        with open(files / name, "wb") as file:
            file.truncate(size)
    listen = " ".join(f"listen {address} backlog=4096;" for address in addresses)
    body = f"""http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
keepalive_timeout 10m; {NGINX_TEMP.format(folder=folder)} open_file_cache max=10;
server {{ {listen} root {files}; location = / {{ return 200 "{SMALL}"; }} }} }}"""
    return nginx_process(folder, cpus, 1, "", body)


def tcp(lab, folder, cpus, addresses):
    """giliran server: a line for a line."""
    listen = [word for address in addresses for word in ("--listen", f"tcp://{address}")]
    return Process([lab.tool, "server", *listen, "--name", "s", "--threads", 1, "--quiet"], cpus,
                   folder / "out")


def bulk(lab, folder, cpus, addresses):
    """Gives and takes as much as is asked for: bulk.py."""
    return Process([sys.executable, ROOT / "bench/bulk.py", "serve", addresses[0]], cpus,
                   folder / "out")
