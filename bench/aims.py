"""What giliran is to reach, each as a formula over the rounds of a row. All formulae are here."""
import dataclasses
from collections.abc import Callable

from .stats import best, column, interval, median, ratios

PEERS = ("haproxy", "nginx")


@dataclasses.dataclass(frozen=True)
class Aim:
    text: str
    row: str
    limit: float
    values: Callable      # (rounds, ours) -> a value for each round
    at_least: bool = False
    unit: str = ""
    digits: int = 2

    def met_by(self, value):
        return value >= self.limit if self.at_least else value <= self.limit


@dataclasses.dataclass(frozen=True)
class Reached:
    aim: Aim
    value: float
    low: float
    high: float

    @property
    def verdict(self):
        """Not certain where the interval reaches over the limit."""
        text = "met" if self.aim.met_by(self.value) else "not met"
        certain = self.aim.met_by(self.low) == self.aim.met_by(self.high)
        return text if certain else f"{text}, not certain"


def best_peer(rounds, metric):
    return best(rounds, metric, [p for p in PEERS if p in rounds[0]])


def to_relay(rounds, ours):
    return ratios(rounds, "cpu", ours, "relay")


def to_best_peer(rounds, ours):
    return ratios(rounds, "cpu", ours, best_peer(rounds, "cpu"))


def share_of_overhead(rounds, ours):
    """(ours − relay) ÷ (best peer − relay): what of a peer's own cost we have."""
    peer = best_peer(rounds, "cpu")
    return [(one[ours]["cpu"] - one["relay"]["cpu"]) / (one[peer]["cpu"] - one["relay"]["cpu"])
            for one in rounds if one[peer]["cpu"] > one["relay"]["cpu"]]


def over_best_peer(rounds, ours):
    """p99 added, ours less the best peer's."""
    peer = best_peer(rounds, "added")
    return [one[ours]["added"] - one[peer]["added"] for one in rounds]


def of(metric):
    return lambda rounds, ours: column(rounds, ours, metric)


AIMS = (
    Aim("TCP keep-alive: CPU ÷ relay", "tcp", 1.05, to_relay),
    Aim("HTTP/1.1 keep-alive with a log: (ours − relay) ÷ (best peer − relay)", "http-log", 0.4,
        share_of_overhead),
    Aim("TCP, connection for each message: CPU ÷ best peer", "tcp-new", 0.85, to_best_peer),
    Aim("HTTP/1.1, connection for each request: CPU ÷ best peer", "http-new", 0.85, to_best_peer),
    Aim("TCP bulk download: CPU ÷ relay", "tcp-down", 0.5, to_relay),
    Aim("TCP bulk upload: CPU ÷ relay", "tcp-up", 0.5, to_relay),
    Aim("Memory of an idle TCP connection", "idle-tcp", 1024, of("bytes"), unit=" bytes", digits=0),
    Aim("Memory of an idle HTTP/1.1 connection", "idle-http", 600, of("bytes"), unit=" bytes",
        digits=0),
    Aim("A choice of 10,000, round robin", "choice", 20, of("round_robin/10000"), unit=" ns",
        digits=1),
    Aim("A choice of 10,000, two choices", "choice", 20, of("least_requests/10000"), unit=" ns",
        digits=1),
    Aim("Two workers ÷ one", "workers", 1.8, of("scaling"), at_least=True),
    Aim("p99 added at half load, ours less the best peer's", "latency", 0, over_best_peer,
        unit=" µs", digits=0),
)


def reached(aim, rows):
    """None where that row was not measured, or without whom the formula names."""
    if aim.row not in rows:
        return None
    result = rows[aim.row]
    try:
        values = aim.values(result["rounds"], result["gilirans"][0])
    except KeyError:
        return None
    if not values:
        return None
    low, high, _ = interval(values)
    return Reached(aim, median(values), low, high)


def table(rows):
    lines = ["| aim | at most | reached | interval | |", "|---|---|---|---|---|"]
    for aim in AIMS:
        got = reached(aim, rows)
        limit = f"{'≥ ' if aim.at_least else ''}{aim.limit:,g}{aim.unit}"
        if got is None:
            lines.append(f"| {aim.text} | {limit} | – | – | not measured |")
        else:
            low, high = (f"{v:,.{aim.digits}f}" for v in (got.low, got.high))
            lines.append(f"| {aim.text} | {limit} | {got.value:,.{aim.digits}f}{aim.unit} | "
                         f"{low} – {high} | {got.verdict} |")
    return "\n".join(lines) + "\n"
