"""The picture: CPU of each proxy relative to the bare relay, by row, as an SVG."""
import html

from .stats import column, interval, median, ratios

PROXIES = ("giliran", "haproxy", "nginx")
LABELS = {"tcp": "TCP keep-alive, 64 B", "tcp-new": "TCP, connection per message",
          "tcp-down": "TCP bulk download", "tcp-up": "TCP bulk upload",
          "http": "HTTP keep-alive", "http-log": "HTTP keep-alive, log to a file",
          "http-16k": "HTTP, 16 KiB answers", "http-1m": "HTTP, 1 MiB answers",
          "http-post": "HTTP, POST of 16 KiB", "http-many": "HTTP, 50 busy of 5,000",
          "http-slow": "HTTP, beside a slow reader"}
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 760, 200, 96, 74, 40
BAR, GAP, GROUP_GAP = 10, 2, 14
CLIP = 3.0  # bars beyond it are cut, and say so
STYLE = """text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#52514e}
.surface{fill:#fcfcfb}.title{font-size:15px;font-weight:600;fill:#0b0b0b}.row{fill:#0b0b0b}
.grid{stroke:#e1e0d9}.floor{stroke:#52514e;stroke-width:1.5}.value{font-size:10.5px}
.whisker{stroke:#0b0b0b;stroke-opacity:.55}
.giliran{fill:#2a78d6}.haproxy{fill:#eb6834}.nginx{fill:#1baf7a}
@media (prefers-color-scheme:dark){text{fill:#c3c2b7}.surface{fill:#1a1a19}
.title,.row{fill:#fff}.grid{stroke:#2c2c2a}.floor{stroke:#c3c2b7}.whisker{stroke:#fff}
.giliran{fill:#3987e5}.haproxy{fill:#d95926}.nginx{fill:#199e70}}"""


class Drawing:
    def __init__(self):
        self.parts = []

    def text(self, x, y, text, css="", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">'
                          f'{html.escape(text)}</text>')

    def line(self, x1, y1, x2, y2, css):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'class="{css}"/>')

    def bar(self, x, y, width, css, title):
        """Square where it begins, round where it ends."""
        width = max(width, 3)
        self.parts.append(f'<path class="{css}" d="M{x:.1f} {y:.1f}h{width - 2:.1f}q2 0 2 2'
                          f'v{BAR - 4}q0 2 -2 2h{2 - width:.1f}z"><title>{html.escape(title)}'
                          '</title></path>')

    def svg(self, height, what):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                f'width="{WIDTH}" height="{height}" role="img">\n<title>{html.escape(what)}'
                f'</title>\n<style>{STYLE}</style>\n<rect class="surface" width="{WIDTH}" '
                f'height="{height}" rx="6"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


def who_is(proxy, rounds, gilirans):
    """The contestant that is drawn as this proxy: the better of its variants."""
    names = [gilirans[0]] if proxy == "giliran" else \
        [n for n in rounds[0] if n.split()[0] == proxy]
    return min(names, key=lambda n: median(column(rounds, n, "cpu")), default=None)


def bars(rows):
    """(row, [(proxy, name, ratio, low, high, CPU)]) as far as they were measured, and how surely
    the medians lie between low and high."""
    found, surely = [], 1.0
    for key in LABELS:
        if key not in rows or "relay" not in rows[key]["rounds"][0]:
            continue
        rounds, some = rows[key]["rounds"], []
        for proxy in PROXIES:
            name = who_is(proxy, rounds, rows[key]["gilirans"])
            if name:
                values = ratios(rounds, "cpu", name, "relay")
                low, high, coverage = interval(values)
                surely = min(surely, coverage)
                some.append((proxy, name, median(values), low, high,
                             median(column(rounds, name, "cpu"))))
        found.append((key, some))
    return found, surely


def cost(key, cpu):
    return f"{cpu:.2f} s/GiB" if key in ("tcp-down", "tcp-up") else \
        f"{cpu:,.1f} µs" if cpu < 1000 else f"{cpu:,.0f} µs"


def draw(rows):
    found, surely = bars(rows)
    end = min(CLIP, max((b[4] for _, some in found for b in some), default=1.0) * 1.02)
    end = max(end, 1.2)

    def x(ratio):
        return LEFT + min(ratio, end) / end * (WIDTH - LEFT - RIGHT)

    group = len(PROXIES) * (BAR + GAP) + GROUP_GAP
    bottom = TOP + len(found) * group
    drawing = Drawing()
    drawing.text(16, 26, "CPU of the proxy, relative to a bare relay of bytes", "title")
    for number, proxy in enumerate(PROXIES):
        drawing.bar(16 + 84 * number, 41, 14, proxy, proxy)
        drawing.text(36 + 84 * number, 50, proxy)
    drawing.text(WIDTH - 16, 50, "shorter is better", anchor="end")
    for tick in range(int(end / 0.5) + 1):
        at = tick * 0.5
        drawing.line(x(at), TOP - 6, x(at), bottom - GROUP_GAP + 6,
                     "floor" if at == 1 else "grid")
        drawing.text(x(at), bottom + 10, f"{at:g}×" if at != 1 else "relay", anchor="middle")
    for number, (key, some) in enumerate(found):
        y = TOP + number * group
        drawing.text(LEFT - 12, y + group / 2 - GROUP_GAP / 2 + 4, LABELS[key], "row", "end")
        for place, (proxy, name, ratio, low, high, cpu) in enumerate(some):
            top = y + place * (BAR + GAP)
            drawing.bar(LEFT, top, x(ratio) - LEFT, proxy,
                        f"{name}: {ratio:.2f} × relay [{low:.2f}–{high:.2f}], {cost(key, cpu)}")
            if high > low and high <= end:
                drawing.line(x(low), top + BAR / 2, x(high), top + BAR / 2, "whisker")
            cut = f" ({ratio:.1f}×)" if ratio > end else ""
            drawing.text(max(x(ratio), x(min(high, end))) + 5, top + BAR - 1,
                         cost(key, cpu) + cut, "value")
    drawing.text(16, bottom + 30, f"Median of rounds; lines: where it lies with {surely:.0%} "
                 "confidence. haproxy with splice where that costs less.", "value")
    return drawing.svg(bottom + BOTTOM, "CPU of giliran, haproxy and nginx, relay = 1")
