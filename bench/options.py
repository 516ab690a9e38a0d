"""The command line."""
import argparse
import pathlib

from .machine import ROOT

QUICK_ROUNDS, ROUNDS = 2, 6
QUICK_SECONDS, SECONDS = 1.0, 3.0


def named_path(text):
    """NAME=PATH, or a PATH that is called giliran."""
    name, equals, path = text.rpartition("=")
    if not equals:
        name = "giliran"
    if not path or not name or name in ("relay", "direct") or \
            name.split()[0] in ("haproxy", "nginx"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected PATH or NAME=PATH, NAME not that "
                                         "of a peer")
    return name, pathlib.Path(path)


def keys(known):
    def parse(text):
        chosen = text.split(",")
        for key in chosen:
            if key not in known:
                raise argparse.ArgumentTypeError(f"no row {key!r}; there are {', '.join(known)}")
        return chosen
    return parse


def parser(known):
    """known: the keys of the rows there are."""
    options = argparse.ArgumentParser(prog="bench/run", description="Side by side on this machine: "
                                      "a bare relay, giliran, haproxy and nginx.")
    options.add_argument("--only", metavar="ROW[,ROW]", type=keys(known), default=list(known))
    options.add_argument("--list", action="store_true", help="the rows there are")
    options.add_argument("--quick", action="store_true", help="all rows within 5 minutes")
    options.add_argument("--rounds", type=int, help=f"default: {ROUNDS}, quick {QUICK_ROUNDS}")
    options.add_argument("--seconds", type=float,
                         help=f"of load, a sample; default: {SECONDS:g}, quick {QUICK_SECONDS:g}")
    options.add_argument("--giliran", metavar="[NAME=]PATH", type=named_path, action="append",
                         help="the program to measure; several are compared in the same rounds")
    options.add_argument("--tool", metavar="PATH", type=pathlib.Path, help="the giliran that is "
                         "client and server for all; default: the first that is measured")
    options.add_argument("--json", metavar="FILE", type=pathlib.Path,
                         help="all samples; rows of an earlier run that are not measured now stay")
    options.add_argument("--from", metavar="FILE", type=pathlib.Path, dest="from_json",
                         action="append", help="measure nothing: take what --json kept (several "
                         "are put together)")
    options.add_argument("--out", metavar="FILE.md", type=pathlib.Path,
                         help="the page, such as docs/benchmarks.md")
    options.add_argument("--note", metavar="TEXT", default="", help="what a reader of the page "
                         "should know of this run")
    options.add_argument("--plot", metavar="FILE.svg", type=pathlib.Path,
                         help="the picture, such as docs/img/benchmarks.svg")
    return options


def parse(argv, known):
    args = parser(known).parse_args(argv)
    args.rounds = args.rounds or (QUICK_ROUNDS if args.quick else ROUNDS)
    args.seconds = args.seconds or (QUICK_SECONDS if args.quick else SECONDS)
    args.giliran = dict(args.giliran or [("giliran", ROOT / "build/release/giliran")])
    args.tool = args.tool or next(iter(args.giliran.values()))
    return args
