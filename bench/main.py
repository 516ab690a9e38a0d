"""From the command line to the page."""
import dataclasses
import json
import os
import resource
import subprocess
import sys

from . import aims, machine, options, page, plot
from .contestants import RELAY
from .process import BenchError
from .row import Lab, measure
from .rows import ROWS
from .table import section


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def build_relay():
    RELAY.parent.mkdir(exist_ok=True)
    subprocess.run(["g++", "-std=c++23", "-O2", "-o", RELAY, machine.ROOT / "bench/relay.cc"],
                   check=True)


def settings(args):
    """The lab for these options; this process goes where servers and load are."""
    pins = machine.here()
    os.sched_setaffinity(0, {int(c) for c in pins.rest.split(",")})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return Lab(gilirans=args.giliran, tool=args.tool, pinning=pins, seconds=args.seconds,
               bulk_bytes=1 << (29 if args.quick else 30), idle=2000 if args.quick else 4000,
               many=5000)


def measured(args, results):
    """Measures the rows that were asked for; one that cannot be is told, and the others go on.
    Returns the keys of those that failed."""
    build_relay()
    what = machine.describe()
    lab = settings(args)
    results["machine"] = {**what, "pinning": dataclasses.asdict(lab.pinning),
                          "idle": lab.idle}
    failed = []
    for row in ROWS:
        if row.key not in args.only:
            continue
        try:
            rounds = measure(row, lab, args.rounds, say)
        except (BenchError, OSError, subprocess.SubprocessError) as error:
            say(f"{row.key}: {error}")
            failed.append(row.key)
            continue
        results["rows"][row.key] = {"gilirans": list(lab.gilirans), "seconds": args.seconds,
                                    "rounds": rounds}
        print(shown(row, results["rows"][row.key]), flush=True)
        keep(args.json, results)
    return failed


def shown(row, result):
    return section(row, result["rounds"], result["gilirans"])


def earlier(args):
    """The rows that were measured before, and are kept."""
    results = {"rows": {}}
    for path in args.from_json or ([args.json] if args.json and args.json.exists() else []):
        one = json.loads(path.read_text())
        results = {**one, "rows": {**results["rows"], **one["rows"]}}
    return results


def keep(path, results):
    if path:
        path.write_text(json.dumps(results, indent=1) + "\n")


def main(argv):
    args = options.parse(argv, [row.key for row in ROWS])
    if args.list:
        for row in ROWS:
            print(f"{row.key:10} {row.title}")
        return 0
    results, failed = earlier(args), []
    if not args.from_json:
        failed = measured(args, results)
    if len(results["rows"]) > 1:
        print(aims.table(results["rows"]))
    if args.out:
        args.out.write_text(page.write(results, args.note))
    if args.plot:
        args.plot.write_text(plot.draw(results["rows"]))
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0
