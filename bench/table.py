"""What was measured, as Markdown."""
from .stats import best, column, interval, median, ratios

DIRECT = "direct"


def number(value, digits):
    return f"{value:,.{digits}f}"


def ratio(values):
    """The median, and the interval that holds it in brackets."""
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.2f}"
    low, high, _ = interval(values)
    return f"{median(values):.2f} [{low:.2f}–{high:.2f}]"


def peers_of(row, names):
    """Those that are neither ours nor the floor."""
    return [n for n in row.peers if n in names and n != "relay"]


def bases(row, rounds, gilirans):
    """(title, name) of what each contestant is compared with, where that was measured."""
    names = list(rounds[0])
    if not row.compared:
        return []
    main = row.metrics[0].key
    found = [("relay", "relay")] if "relay" in names else []
    peer = best(rounds, main, peers_of(row, names))
    if peer:
        found.append((f"best peer ({peer})", peer))
    if len(gilirans) > 1:
        found.append((gilirans[0], gilirans[0]))
    return found


def table(row, rounds, gilirans):
    names = list(rounds[0])
    main, *others = row.metrics
    against = bases(row, rounds, gilirans)
    head = ["proxy", f"{main.title}, median", "lowest – highest",
            *[f"ratio to {title}" for title, _ in against], *[m.title for m in others]]
    lines = [head, ["---"] * len(head)]
    for name in names:
        values = column(rounds, name, main.key)
        cells = [name, number(median(values), main.digits),
                 f"{number(min(values), main.digits)} – {number(max(values), main.digits)}"]
        for _, base in against:
            cells.append("–" if name in (base, DIRECT) else
                         ratio(ratios(rounds, main.key, name, base)))
        cells += [number(median(column(rounds, name, m.key)), m.digits) for m in others]
        lines.append(cells)
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def section(row, rounds, gilirans):
    note = f"{row.note}\n\n" if row.note else ""
    return f"### {row.title}\n\n{note}{table(row, rounds, gilirans)}"
