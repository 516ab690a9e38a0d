"""docs/benchmarks.md: the machine, the method (page.md), what came out."""
import pathlib

from . import aims
from .rows import ROWS
from .table import section

TEMPLATE = pathlib.Path(__file__).with_name("page.md")
APART = "Servers and load have {beside_two} to themselves."
SHARED = """\
This machine has too few processors to keep servers and load off two workers: everything shares
{proxy_two}, with one worker as with two. Then rates say little, but CPU time does."""


def machine_text(machine):
    return (f"{machine['processors']} processors ({machine['model']}), {machine['system']}. "
            f"haproxy {machine['haproxy']}, nginx {machine['nginx']}, wrk {machine['wrk']}.")


def runs_text(rows):
    kinds = sorted({f"{len(r['rounds'])} rounds of {r['seconds']:g} s" for r in rows.values()})
    return "; ".join(kinds) + "."


def write(results, note=""):
    rows, machine = results["rows"], results["machine"]
    pins = machine["pinning"]
    two = SHARED if pins["proxy_two"] == pins["beside_two"] else APART
    text = TEMPLATE.read_text().format(
        machine=machine_text(machine), runs=f"{runs_text(rows)} {note}".strip(),
        two=two.format(**pins), idle=f"{machine['idle']:,}", aims=aims.table(rows), **pins)
    parts = [section(row, rows[row.key]["rounds"], rows[row.key]["gilirans"])
             for row in ROWS if row.key in rows]
    return text + "\n".join(parts)
