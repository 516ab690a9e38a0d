"""A child on its processors, with its CPU time and memory as the kernel counts them."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

START_S = 10
STOP_S = 5


class BenchError(Exception):
    """The measurement is not worth its name: something did not start, or requests failed."""


class Process:
    """Starts at once. out: a file for what it prints; its end is shown where it does not start."""

    def __init__(self, argv, cpus, out=os.devnull):
        self.argv = [str(a) for a in argv]
        self.out = pathlib.Path(out)
        with open(out, "wb") as file:
            self.popen = subprocess.Popen(["taskset", "-c", cpus, *self.argv],
                                          stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    def wait_port(self, port, host="127.0.0.1"):
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.popen.poll() is None:
            try:
                socket.create_connection((host, port), 0.2).close()
                return self
            except OSError:
                time.sleep(0.01)
        said = "" if str(self.out) == os.devnull else self.out.read_text(errors="replace")[-2000:]
        self.stop()
        raise BenchError(f"{self.argv[0]} does not listen on {port}\n{said}")

    def pids(self):
        pids = [self.popen.pid]
        for pid in pids:
            for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    pids += [int(p) for p in children.read_text().split()]
                except OSError:
                    pass  # that thread has ended
        return pids

    def thread_cpu_us(self):
        """CPU time of each thread of it and its children, from the scheduler's nanoseconds."""
        times = {}
        for pid in self.pids():
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    times[int(task.parent.name)] = int(task.read_text().split()[0]) / 1000
                except OSError:
                    pass
        return times

    def cpu_us(self):
        return sum(self.thread_cpu_us().values())

    def memory_bytes(self):
        """Its own memory: proportional set size, so that pages shared by workers count once."""
        kib = 0
        for pid in self.pids():
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            kib += int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1))
        return kib * 1024

    def stop(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
