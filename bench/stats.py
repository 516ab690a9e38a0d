"""Medians, and how far they can be trusted."""
import math
import statistics

CONFIDENCE = 0.95


def median(values):
    return statistics.median(values)


def interval(values, confidence=CONFIDENCE):
    """(low, high, coverage) for the median of what the values are drawn from: two of the values
    themselves, by the binomial law, whatever their distribution. It is the narrowest such pair that
    reaches the confidence; with fewer than six values it is the lowest and the highest, and the
    coverage says how little that is."""
    ordered = sorted(values)
    n = len(ordered)
    drop, coverage = 0, 1 - 2 * 0.5 ** n
    outside = 0.5 ** n  # chance that at most `drop` values are below the median
    while 2 * (drop + 1) < n:
        more = outside + math.comb(n, drop + 1) * 0.5 ** n
        if 1 - 2 * more < confidence:
            break
        outside, drop, coverage = more, drop + 1, 1 - 2 * more
    return ordered[drop], ordered[n - 1 - drop], max(0.0, coverage)


def column(rounds, name, metric):
    """The values of one contestant, round by round."""
    return [one[name][metric] for one in rounds]


def ratios(rounds, metric, name, base):
    """Round by round, so that a drift of the machine meets both."""
    return [a / b for a, b in zip(column(rounds, name, metric), column(rounds, base, metric))
            if b > 0]


def best(rounds, metric, names):
    """The name with the lowest median; None of none."""
    return min(names, key=lambda name: median(column(rounds, name, metric)), default=None)
