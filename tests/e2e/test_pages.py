"""The pages, looked at in a real browser."""
import base64
import http.server
import json
import re
import threading

import pytest
from browser import Browser
from harness import Giliran
from peers import RawServer, read_head, until

PERCENTILES = ["mean_us", "p50_us", "p90_us", "p99_us", "p99_9_us", "p99_99_us", "max_us"]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium):
    chromium.look()
    return chromium


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A run of the client in an open loop through a coordinator: (page, result)."""
    roles = Giliran(tmp_path_factory.mktemp("page"))
    servers = [roles.server(name, "--delay", "2ms") for name in ("one", "two")]
    coordinator = roles.coordinator(*servers)
    result = run(roles, coordinator.url("/orders?id=7"), "-R", 400, "-d", "3s", "-c", 20,
                 "--expect", "p99<10s", "--expect", "errors<0.1%", "--seed", 7)
    roles.stop()
    return result


def run(roles, url, *args):
    html, result = roles.folder / "page.html", roles.folder / "result.json"
    done = roles.once("client", url, "--html", html, "--json", result, *args)
    assert done.returncode == 0, done.stderr
    return html, json.loads(result.read_text())


def clean(browser):
    assert browser.complaints() == []
    assert browser.requests() == []


def test_a_page_shows_the_numbers_of_the_json(browser, page):
    html, result = page
    browser.open(html)
    clean(browser)
    embedded = browser.run("return document.getElementById('data').textContent")
    assert json.loads(embedded) == result
    both = browser.numbers("both-times")
    for name in ("response time", "service time"):
        times = result[name.replace(" ", "_")]
        assert both[name] == [times[key] for key in PERCENTILES]
    assert both["lag of the client"] == [result["lag"][key] for key in PERCENTILES]
    assert browser.number("#rate .value data") == result["rate"]
    assert browser.number("#answered .value data") == result["totals"]["answered"]
    assert browser.number("#worst .value data") == result["response_time"]["max_us"]
    assert browser.text("#measurement .badge") == result["verdict"]["text"]
    assert browser.text("#target .badge") == result["target"]["text"] == "NO ERRORS"
    servers = browser.numbers("by-server")
    assert set(servers) == {"one", "two"}
    for server in result["servers"]:
        assert servers[server["name"]][0] == server["answers"]
        assert servers[server["name"]][3] == server["service_time"]["p50_us"]
    assert browser.text("#expected").count("✓ met") == 2


def test_marks_of_direction_in_a_servers_name_are_shown_as_such(browser, g):
    def answer(connection, _):
        while read_head(connection)[0]:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Giliran-Server: " +
                               "a\u202egnp.exe\u2066\u009b".encode() + b"\r\n\r\n")
    with RawServer(answer) as server:
        html, _ = run(g, f"http://{server.address}/", "-n", 50, "-c", 1)
    browser.open(html)
    clean(browser)
    assert "a?gnp.exe??" in browser.numbers("by-server")
    shown = browser.run("return document.body.innerText")
    assert not re.search("[\u0080-\u009f\u202a-\u202e\u2066-\u2069]", shown)


def nothing_is_lost(browser):
    """Every line of every legend is to be seen, and every label can be read."""
    series = browser.series()
    assert [x for x in series if x["lost"] or x["values"] == 0] == []
    for x in series:
        assert (x["legend"], x["marker"]) == (x["label"], x["colour"])
    assert browser.colliding_labels() == []
    assert browser.overlapping() == []
    assert browser.run("return document.documentElement.scrollWidth - innerWidth") <= 0
    return series


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_nothing_covers_anything(browser, page, width, dark):
    browser.look(width=width, dark=dark)
    browser.open(page[0])
    assert {x["label"] for x in nothing_is_lost(browser)} > {"due", "answers", "p99.9", "one"}
    clean(browser)


def test_plots_follow_the_width_of_the_window(browser, page):
    browser.look(width=1280)
    browser.open(page[0])
    for width in (820, 1160, 390, 1280):
        browser.look(width=width)
        until(browser.settled, f"plots within their places at {width}", 10)
        nothing_is_lost(browser)
    clean(browser)


THREADS = """
scenario = "threads-of-many"
about = "work that waits, over two protocols, and a coordinator"

[client]
connections = 60
duration = "400ms"

[[run]]
name = "tcp-block"
protocol = "tcp"
servers = { count = 2, delay = "2ms", blocking = true }
vary = { "servers.threads" = [1, 16] }

[[run]]
name = "block"
servers = { count = 2, delay = "2ms", blocking = true }
vary = { "servers.threads" = [1, 4] }

[[run]]
name = "plain"
servers = { count = 2 }
vary = { "coordinator.threads" = [1, 2] }
"""


@pytest.fixture(scope="module")
def many_threads(tmp_path_factory):
    """The page and the result of a lab that is to show what the demo shows."""
    g = Giliran(tmp_path_factory.mktemp("threads"))
    (g.folder / "threads.toml").write_text(THREADS)
    done = g.once("lab", "threads.toml", "--out", "out", "-q", seconds=60)
    assert done.returncode in (0, 3), done.stderr
    return g.folder / "out/report.html", json.loads((g.folder / "out/result.json").read_text())


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)])
def test_a_lab_shows_every_series_and_its_result(browser, many_threads, width, dark):
    html, result = many_threads
    browser.look(width=width, dark=dark)
    browser.open(html)
    curve = [x for x in nothing_is_lost(browser) if x["plot"] == "scaling-curve"]
    names = ["tcp-block", "block", "plain, threads of the coordinator"]
    assert [x["label"] for x in curve if not x["label"].startswith("ideal")] == names
    assert [x["values"] for x in curve if x["label"] in names] == [2, 2, 2]
    assert [x["label"] for x in curve if not x["quiet"]] == ["ideal", *names]
    for scaling in result["scaling"]:
        speed_up = scaling["points"][-1]["speed_up"]
        shown = [float(t[:-1]) for t in browser.texts("scaling-curve") if t.endswith("×")]
        assert any(v == pytest.approx(speed_up, rel=0.01) for v in shown), (speed_up, shown)
    clean(browser)


def test_cards_are_told_apart_by_their_titles(browser, many_threads):
    html, result = many_threads
    browser.open(html)
    titles = browser.run("return [...document.querySelectorAll('h2')].map((h) => h.innerText)")
    assert len(titles) == len(set(titles)) > 5
    assert browser.text("#verdict .badge") == result["verdict"]["word"]
    assert result["verdict"]["text"] in browser.text("#verdict")
    assert browser.text("#run-summary h2") == result["telling"]
    # Three screens of 1280 x 1400, not seven.
    browser.look(width=1280)
    assert browser.run("return document.documentElement.scrollHeight") < 4600


def test_a_table_says_that_it_goes_on(browser, many_threads):
    browser.look(width=390)
    browser.open(many_threads[0])
    goes_on = "return document.querySelector('#by-run').closest('.wide').className"
    until(lambda: "goes-on" in browser.run(goes_on), "a word that there is more", 10)
    shown = browser.run("""const word = document.querySelector('#by-run').closest('.wide')
                             .querySelector('.swipe').getBoundingClientRect();
                           return word.height > 5 && word.right <= 390""")
    assert shown
    browser.run("document.querySelector('#by-run').parentElement.scrollLeft = 9999")
    until(lambda: "goes-on" not in browser.run(goes_on), "the end", 10)
    first = "return document.querySelector('#by-run tbody th').getBoundingClientRect().left"
    assert 0 <= browser.run(first) < 40, "the names stay"
    browser.look(width=1280)
    until(lambda: browser.run(goes_on) == "wide", "room for all of it", 10)


def test_errors_have_an_axis_of_their_own(browser, g):
    server = g.server("a", "--fail", "3%", "--delay", "1ms")
    html = g.folder / "page.html"
    g.once("client", server.url(), "-R", 300, "-d", "1500ms", "-c", 10, "--html", html)
    browser.open(html)
    sides = browser.run("""const u = window.giliranPlots()["rate-over-time"];
        const most = (i) => Math.max(...u.data[i].map((v) => v ?? 0));
        return u.series.slice(1).map((s, i) => [s.label, s.scale, most(i + 1),
                                                u.scales[s.scale].max]);""")
    found = {label: (scale, most, top) for label, scale, most, top in sides}
    assert found["answers"][0] == "y"
    scale, most, top = found["errors, at the right"]
    assert scale == "y2" and 0 < most <= top < 4 * most
    nothing_is_lost(browser)


def test_every_plot_is_drawn_from_the_intervals(browser, page):
    html, result = page
    browser.open(html)
    plots = browser.drawn()
    intervals = result["intervals"]
    over_time = {"rate-over-time", "response-over-time", "service-over-time", "lag-over-time",
                 "backlog-over-time", "servers-over-time"}
    assert over_time | {"distribution"} <= set(plots)
    for name in over_time:
        assert plots[name]["points"] == len(intervals)
        assert plots[name]["drawn"] > 50
    for name, which in (("response-over-time", "response_time"),
                        ("service-over-time", "service_time")):
        for line, key in zip(plots[name]["lines"], ["p50_us", "p90_us", "p99_us", "p99_9_us"]):
            assert line["values"] == [i[which].get(key) for i in intervals]
    answers = next(x for x in plots["rate-over-time"]["lines"] if x["label"] == "answers")
    told = [(v, i) for v, i in zip(answers["values"], intervals) if v is not None]
    assert len(told) >= len(intervals) - 1
    for value, interval in told:
        assert value == pytest.approx(interval["answered"] / interval["for_s"])
    response = plots["distribution"]["lines"][0]["values"]
    assert max(v for v in response if v is not None) == result["response_time"]["max_us"]


def test_beside_each_plot_is_a_table(browser, page):
    html, result = page
    browser.open(html)
    browser.run("document.querySelectorAll('figure details').forEach((d) => { d.open = true; })")
    until(lambda: browser.run("return document.querySelectorAll('figure details table').length "
                              "=== document.querySelectorAll('figure').length"), "tables", 10)
    rows = browser.run("""
        return [...document.querySelectorAll('#response-over-time-numbers tbody tr')].map((row) =>
          [...row.querySelectorAll('td data')].map((d) => Number(d.value)));""")
    assert len(rows) == len(result["intervals"])
    for row, interval in zip(rows, result["intervals"]):
        assert row[-1] == interval["answered"]
        if interval["answered"]:
            assert row[2] == interval["response_time"]["p99_us"]
    clean(browser)


def contrast(one, other):
    def light(text):
        parts = [int(p) / 255 for p in re.findall(r"\d+", text)[:3]]
        parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    high, low = sorted([light(one), light(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


COLOURS = """
const of = (selector, what) => getComputedStyle(document.querySelector(selector))[what];
return {ink: of("body", "color"), ground: of("section", "backgroundColor"),
        dim: of(".note", "color"), good: of(".good .badge", "color"),
        good_ground: of(".good .badge", "backgroundColor"), link: of("summary", "color")};
"""


def test_it_can_be_read_in_the_dark(browser, page):
    browser.open(page[0])
    light, lines = browser.run(COLOURS), browser.drawn()["rate-over-time"]["lines"]
    browser.look(dark=True)
    changed = until(lambda: browser.run(COLOURS)["ground"] != light["ground"], "the dark", 10)
    assert changed
    dark, dark_lines = browser.run(COLOURS), browser.drawn()["rate-over-time"]["lines"]
    assert [x["colour"] for x in lines] != [x["colour"] for x in dark_lines]
    for colours in (light, dark):
        assert contrast(colours["ink"], colours["ground"]) > 7
        for text in ("dim", "link"):
            assert contrast(colours[text], colours["ground"]) > 4.5
        assert contrast(colours["good"], colours["good_ground"]) > 4.5
    clean(browser)


def test_it_can_be_printed(browser, page):
    browser.look(dark=True)
    browser.open(page[0])
    dark = browser.drawn()["rate-over-time"]["lines"]
    browser.look(dark=True, paper=True)
    until(lambda: browser.drawn()["rate-over-time"]["lines"][0]["colour"] != dark[0]["colour"],
          "plots in the colours of paper", 10)
    plots = browser.drawn()
    assert all(plot["width"] <= 700 for plot in plots.values())
    assert browser.run(COLOURS)["ground"] == "rgb(255, 255, 255)"
    assert browser.overlapping() == []
    folds = "return [...document.querySelectorAll('details.fold')].map((fold) => fold.open)"
    assert all(browser.run(folds)), "nobody can open them on paper"
    assert len(base64.b64decode(browser.pdf())) > 20_000
    browser.look(dark=True)
    until(lambda: not all(browser.run(folds)), "what was folded before", 10)
    clean(browser)


def test_it_fits_a_phone(browser, page):
    browser.look(width=360)
    browser.open(page[0])
    assert browser.run("return document.documentElement.scrollWidth") <= 360
    assert all(plot["width"] <= 360 for plot in browser.drawn().values())
    assert browser.overlapping() == []


def test_plots_zoom_together_and_change_their_scale(browser, page):
    browser.open(page[0])
    before = browser.drawn()
    assert before["response-over-time"]["log"]
    browser.drag("#rate-over-time .u-over", 0.3, 0.6)

    def zoomed():
        now = browser.drawn()
        return all(now[name]["range"][0] > before[name]["range"][0] + 0.5
                   for name in ("rate-over-time", "response-over-time", "servers-over-time"))
    until(zoomed, "every plot over time to be zoomed", 10)
    browser.run("document.querySelector('.switch input').click()")
    until(lambda: not browser.drawn()["service-over-time"]["log"], "a linear scale", 10)
    clean(browser)


EVIL = "</script><img/src=x/onerror=window.hit=1>"


class EvilServer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802
        self.send_response(200)
        self.send_header("X-Giliran-Server", EVIL)
        self.send_header("Server-Timing", "app;dur=1.5")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def test_what_servers_say_is_text(browser, g):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), EvilServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/?q=</title><script>window.hit=2</script>"
        html, result = run(g, url, "-n", 50, "-c", 2)
        server.shutdown()
    assert [s["name"] for s in result["servers"]] == [EVIL]
    browser.open(html)
    assert browser.run("return window.hit") is None
    assert browser.run("return document.querySelectorAll('img, main script').length") == 0
    assert list(browser.numbers("by-server")) == [EVIL]
    assert "<script>" in browser.text("h1")
    clean(browser)


def test_a_closed_loop_says_what_it_does_not_tell(browser, g):
    server = g.server("a")
    html, result = run(g, server.url(), "-n", 200, "-c", 4)
    browser.open(html)
    assert result["plan"]["loop"] == "closed"
    assert "closed loop" in browser.run(
        "return document.querySelector('#numbers .fold').textContent")
    assert set(browser.drawn()) == {"distribution"}  # too short to be shown over time
    assert "too short" in browser.text("#over-time")
    clean(browser)


def test_a_run_without_an_answer_is_a_page_too(browser, g):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), EvilServer) as server:
        port = server.server_port  # closed below: nobody listens
    html = g.folder / "page.html"
    done = g.once("client", f"http://127.0.0.1:{port}/", "-n", 5, "-c", 1, "--html", html)
    assert done.returncode == 1
    browser.open(html)
    assert "Not one of 5 requests was answered" in browser.text("#verdict")
    # Nothing in the colour of success, whatever the measurement is worth.
    assert browser.text("#target .badge") == "ALL FAILED"
    assert browser.text("#measurement .badge") == "NOT JUDGED"
    green = "return document.querySelectorAll('#verdict.good, #verdict .good').length"
    assert browser.run(green) == 0
    clean(browser)


def test_a_page_that_cannot_be_written_is_said_before_the_start(g):
    server = g.server("a")
    done = g.once("client", server.url(), "-n", 5, "--html", g.folder / "nowhere" / "page.html")
    assert done.returncode == 2
    assert "--html" in done.stderr and "No such file" in done.stderr


SCENARIO = """
scenario = "stops"
about = "one of two servers stops for a while"

[[servers]]
count = 2
delay = "1ms"

[client]
connections = 20
rate = 200
duration = "2s"

[[run]]
name = "stops"
timeline = [
  { at = "500ms", do = "stop", server = "server-2" },
  { at = "1s", do = "continue", server = "server-2" },
]

[[run]]
name = "calm"
"""


def test_a_lab_marks_what_happened_on_every_plot_over_time(browser, g):
    (g.folder / "stops.toml").write_text(SCENARIO)
    done = g.once("lab", "stops.toml", "--out", "out", "-q", seconds=60)
    assert done.returncode in (0, 3), done.stderr
    result = json.loads((g.folder / "out/result.json").read_text())
    browser.open(g.folder / "out/report.html")
    clean(browser)
    run = next(r for r in result["runs"] if r["name"] == "stops")
    assert len(run["marks"]) == 2
    rows = browser.numbers("by-run")
    for one in result["runs"]:
        assert rows[one["name"]][0] == one["measured"]["rate"]
        assert rows[one["name"]][2] == one["measured"]["p99_us"]
    assert browser.text("#run-summary h2") == "stops"  # the one in which something happens
    plots = browser.drawn()
    times = [name for name in plots if name.endswith("over-time")]
    assert {"rate-over-time", "response-over-time", "points-over-time"} <= set(times)
    nothing_is_lost(browser)
    for name in times:
        assert browser.marked(name, [m["t_s"] for m in run["marks"]]), name
    browser.run("""const choice = document.getElementById("run-choice");
                   choice.value = [...choice.options].find((o) => o.text === "calm").value;
                   choice.dispatchEvent(new Event("change"));""")
    until(lambda: browser.text("#run-summary h2") == "calm", "the other run", 10)
    calm = next(r for r in result["runs"] if r["name"] == "calm")
    assert browser.number("#rate .value data") == calm["client"]["rate"]
    assert browser.drawn()["rate-over-time"]["points"] == len(calm["client"]["intervals"])
    clean(browser)


def test_thread_scaling_is_a_curve_with_its_law(browser, g):
    done = g.once("lab", "threads", "--threads", "1,2,3,4,5", "--repeat", 2, "--duration", "300ms",
                  "--out", "out", "-q", seconds=60)
    assert done.returncode in (0, 3), done.stderr
    result = json.loads((g.folder / "out/result.json").read_text())
    browser.open(g.folder / "out/report.html")
    scaling = result["scaling"][0]
    plot = browser.drawn()["scaling-curve"]
    assert plot["log"]
    lines = {x["label"]: x for x in plot["lines"]}
    medians = [p["rate"]["median"] for p in result["points"]]
    assert [row[0] for row in browser.numbers("by-point").values()] == medians
    ideal = [v for v in lines["ideal"]["values"] if v is not None]
    assert ideal[-1] == pytest.approx(5 * ideal[0]) == pytest.approx(5 * medians[0])
    measured = [v for v in lines["measured"]["values"] if v is not None]
    assert measured == [p["rate"]["median"] for p in scaling["points"]]
    if "usl" in scaling:
        assert browser.number("#scaling p.note data") == scaling["usl"]["alpha"]
        assert lines["fitted law"]["values"][0] == pytest.approx(scaling["usl"]["gamma"])
    assert list(browser.numbers("scaling-points")) == ["1", "2", "3", "4", "5"]
    clean(browser)


def test_a_comparison_shows_each_change_with_its_interval(browser, page, g):
    server = g.server("slower", "--delay", "5ms")
    slower, _ = run(g, server.url(), "-R", 400, "-d", "3s", "-c", 20)
    done = g.once("compare", page[0].parent / "result.json", slower.parent / "result.json",
                  "--json", "compared.json", "--html", "compared.html")
    assert done.returncode == 3, done.stderr
    result = json.loads((g.folder / "compared.json").read_text())
    browser.open(g.folder / "compared.html")
    assert browser.text("#verdict .badge").lower() == result["verdict"] == "worse"
    rows = browser.numbers("by-row")
    for row in result["rows"]:
        if row["metric"] == "response_time" and "low" in row:
            shown = rows[f"response time {row['what']}"]
            assert shown == [row["a"], row["b"], row["change"], row["low"], row["high"]]
    plots = browser.drawn()
    assert {"response-by-percentile", "service-by-percentile", "rate-over-time"} <= set(plots)
    nothing_is_lost(browser)
    browser.look(width=390)
    browser.open(g.folder / "compared.html")
    nothing_is_lost(browser)
    clean(browser)
