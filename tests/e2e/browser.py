"""A real Chromium without a window, and what a page looks like in it."""
import json
import os
import pathlib
import shutil

import pytest
from peers import until

# Of every plot: how many points it has, and how many dots of its canvas have the colours of its
# lines. A line that another covers has none, so they are counted together.
PLOTS = """
const near = (d, i, c) => Math.abs(d[i] - c[0]) + Math.abs(d[i + 1] - c[1])
                        + Math.abs(d[i + 2] - c[2]) < 12 && d[i + 3] > 200;
const rgb = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
return Object.entries(window.giliranPlots()).map(([id, u]) => {
  if (!u || u.status !== 1) return {id, points: 0};
  const {left, top, width, height} = u.bbox;
  const copy = Object.assign(document.createElement("canvas"), {width, height});
  const ctx = copy.getContext("2d", {willReadFrequently: true});
  ctx.drawImage(u.ctx.canvas, -left, -top);
  const d = ctx.getImageData(0, 0, width, height).data;
  const lines = u.series.slice(1).map((s, i) => ({
    label: s.label, colour: s.stroke(u, i + 1),
    values: Array.from(u.data[i + 1], (v) => v ?? null)}));
  const colours = lines.map((l) => rgb(l.colour));
  let drawn = 0;
  for (let i = 0; i < d.length; i += 4) drawn += colours.some((c) => near(d, i, c)) ? 1 : 0;
  return {id, points: u.data[0].length, drawn, width: u.width, lines, x: Array.from(u.data[0]),
          range: [u.scales.x.min, u.scales.x.max], log: u.scales.y.distr === 3};
});
"""

# Of every line of a legend, drawn alone: the values at whose place the canvas has none of its
# colour. A line of a dash has its colour within a dash of each value.
NOT_DRAWN = """
const done = arguments[arguments.length - 1];
const NEAR = 10;
const rgb = (text) => [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
async function alone(u, i) {
  u.series.forEach((_, k) => { if (k > 0) u.setSeries(k, {show: k === i}); });
  await turn();
}
function missing(u, i) {
  const colour = rgb(u.series[i].stroke(u, i));
  const dots = u.bbox.width / u.over.clientWidth;
  const {width, height} = u.ctx.canvas;
  const copy = Object.assign(document.createElement("canvas"), {width, height});
  const ctx = copy.getContext("2d", {willReadFrequently: true});
  ctx.drawImage(u.ctx.canvas, 0, 0);
  const {data} = ctx.getImageData(0, 0, width, height);
  const has = (x, y) => {
    const [left, top] = [Math.max(0, x - NEAR * dots), Math.max(0, y - NEAR * dots)];
    for (let b = Math.round(top); b <= Math.min(height - 1, y + NEAR * dots); ++b)
      for (let a = Math.round(left); a <= Math.min(width - 1, x + NEAR * dots); ++a) {
        const at = 4 * (b * width + a);
        if (data[at + 3] > 60 && colour.every((c, k) => Math.abs(c - data[at + k]) < 24))
          return true;
      }
    return false;
  };
  const scale = u.series[i].scale;
  const inside = (v, s) => v >= u.scales[s].min && v <= u.scales[s].max;
  const seen = [...u.data[0].keys()].filter((k) => (u.data[i][k] ?? null) !== null
    && inside(u.data[0][k], "x") && inside(u.data[i][k], scale));
  const lost = seen.filter((k) => !has(u.valToPos(u.data[0][k], "x", true),
                                       u.valToPos(u.data[i][k], scale, true)));
  return {values: seen.length, lost: lost.map((k) => u.data[0][k])};
}
(async () => {
  const found = [];
  for (const [id, u] of Object.entries(window.giliranPlots())) {
    const shown = u.series.map((s) => s.show);
    const rows = [...u.root.querySelectorAll(".u-legend .u-series")].slice(1);
    for (let i = 1; i < u.series.length; ++i) {
      await alone(u, i);
      const row = rows[i - 1];
      found.push({plot: id, label: u.series[i].label, ...missing(u, i),
                  legend: row.querySelector(".u-label").textContent,
                  marker: getComputedStyle(row.querySelector(".u-marker")).borderTopColor,
                  colour: `rgb(${rgb(u.series[i].stroke(u, i)).join(", ")})`,
                  quiet: getComputedStyle(row).display === "none"});
    }
    for (let i = 1; i < u.series.length; ++i) u.setSeries(i, {show: shown[i]});
    await turn();
  }
  return found;
})().then(done, (problem) => done(String(problem)));
"""

# Notes every text that is written on a canvas, with its box in the canvas' dots.
NOTE_TEXTS = """
window.giliranTexts = new Map();
const proto = CanvasRenderingContext2D.prototype;
const {fillText, clearRect} = proto;
proto.clearRect = function (...args) {
  window.giliranTexts.set(this.canvas, []);
  return clearRect.apply(this, args);
};
proto.fillText = function (text, x, y, ...more) {
  const m = this.measureText(text);
  const t = this.getTransform();
  const corner = (a, b) => [t.a * a + t.c * b + t.e, t.b * a + t.d * b + t.f];
  const some = [corner(x - m.actualBoundingBoxLeft, y - m.actualBoundingBoxAscent),
                corner(x + m.actualBoundingBoxRight, y + m.actualBoundingBoxDescent)];
  const [a, b] = [some.map((p) => p[0]), some.map((p) => p[1])];
  const all = window.giliranTexts.get(this.canvas) ?? [];
  if (text) all.push({text, left: Math.min(...a), right: Math.max(...a),
                      top: Math.min(...b), bottom: Math.max(...b)});
  window.giliranTexts.set(this.canvas, all);
  return fillText.call(this, text, x, y, ...more);
};
"""


class Browser:
    def __init__(self, folder):
        try:
            from selenium import webdriver
            from selenium.webdriver.chrome.service import Service
        except ImportError:
            pytest.fail("python3-selenium is missing: ./run deps")
        program, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if not program or not driver:
            pytest.fail("chromium and chromium-driver are missing: ./run deps")
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage",
                         "--disable-background-networking", "--no-first-run",
                         f"--user-data-dir={folder}/chromium", "--window-size=1160,900"):
            options.add_argument(argument)
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # it refuses to run as root with one
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service(driver), options=options)
        self.driver.set_page_load_timeout(60)
        self.driver.set_script_timeout(60)
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NOTE_TEXTS})

    def close(self):
        self.driver.quit()

    def run(self, script, *args):
        return self.driver.execute_script(script, *args)

    def look(self, dark=False, paper=False, width=1160):
        """As whom the next page, or the one that is open, is looked at."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "media": "print" if paper else "screen", "features": [scheme]})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})

    def open(self, path):
        """Opens a page from the disk and waits until its plots are drawn."""
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.address = pathlib.Path(path).resolve().as_uri()
        self.driver.get(self.address)
        until(lambda: self.run("return document.documentElement.dataset.ready"), "the page", 30)
        self.drawn()

    def drawn(self):
        """The plots by id, once all of them are drawn."""
        def all_drawn():
            plots = self.run(PLOTS)
            return (plots,) if all(p["points"] and p["drawn"] for p in plots) else None
        plots, = until(all_drawn, "every plot to be drawn", 30)
        return {plot["id"]: plot for plot in plots}

    def series(self):
        """Every line of every legend with what is drawn of it: NOT_DRAWN."""
        found = self.driver.execute_async_script(NOT_DRAWN)
        assert isinstance(found, list), found
        return found

    def settled(self):
        """Whether every plot is as wide as its place, and within it."""
        return self.overlapping() == [] and self.run("""
            return Object.values(window.giliranPlots()).every(
                (u) => u && u.width === Math.floor(u.root.parentElement.clientWidth));""")

    def colliding_labels(self):
        """Pairs of texts of a plot of which one covers the other; texts that reach out of it."""
        return self.run("""
            const found = [];
            for (const [id, u] of Object.entries(window.giliranPlots())) {
              const {canvas} = u.ctx;
              const all = window.giliranTexts.get(canvas) ?? [];
              for (const t of all)
                if (t.left < -2 || t.right > canvas.width + 2) found.push([id, t.text]);
              all.forEach((a, i) => all.slice(i + 1).forEach((b) => {
                if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
                  found.push([id, a.text, b.text]);
              }));
            }
            return found;""")

    def texts(self, name):
        """What is written on a plot."""
        return self.run("""
            const u = window.giliranPlots()[arguments[0]];
            return (window.giliranTexts.get(u.ctx.canvas) ?? []).map((t) => t.text);""", name)

    def complaints(self):
        """What the console says since open(), whatever its level."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """The addresses that were asked for since open(), but for the page itself."""
        entries = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        asked = [e["params"]["request"]["url"] for e in entries
                 if e["method"] == "Network.requestWillBeSent"]
        return [url for url in asked if url != self.address and not url.startswith("data:")]

    def numbers(self, table):
        """The exact numbers of a table's rows, by the text of the row's head."""
        return dict(self.run("""
            return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)].map((row) => [
              row.querySelector("th").textContent.trim(),
              [...row.querySelectorAll("td data")].map((d) => Number(d.value))]);""", table))

    def number(self, selector):
        return float(self.run("return document.querySelector(arguments[0]).value", selector))

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def overlapping(self):
        """Pairs of figures of which one covers the other, and plots that reach out of theirs."""
        return self.run("""
            const boxes = [...document.querySelectorAll("figure")].map((f) => {
              const plot = f.querySelector(".uplot")?.getBoundingClientRect();
              return {id: f.id, box: f.getBoundingClientRect(), plot};
            });
            const found = boxes.filter((b) => b.plot && (b.plot.bottom > b.box.bottom + 1 ||
                                                         b.plot.right > b.box.right + 1))
                               .map((b) => [b.id]);
            boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
              const across = a.box.left < b.box.right - 1 && b.box.left < a.box.right - 1;
              const down = a.box.top < b.box.bottom - 1 && b.box.top < a.box.bottom - 1;
              if (across && down) found.push([a.id, b.id]);
            }));
            return found;""")

    def marked(self, name, times):
        """Whether a plot has a line of its own colour at each of these times."""
        return self.run("""
            const u = window.giliranPlots()[arguments[0]];
            const {top, height} = u.bbox;
            return arguments[1].every((t) => {
              const x = Math.round(u.valToPos(t, "x", true));
              const copy = Object.assign(document.createElement("canvas"), {width: 5, height});
              const ctx = copy.getContext("2d", {willReadFrequently: true});
              ctx.drawImage(u.ctx.canvas, 2 - x, -top);
              const d = ctx.getImageData(0, 0, 5, height).data;
              let purple = 0;
              for (let i = 0; i < d.length; i += 4)
                purple += Math.abs(d[i] - 122) + Math.abs(d[i + 1] - 59)
                          + Math.abs(d[i + 2] - 143) < 40 ? 1 : 0;
              return purple > height / 4;
            });""", name, times)

    def drag(self, selector, begin, end):
        """With the mouse across an element, from one part of its width to another."""
        from selenium.webdriver.common.action_chains import ActionChains
        element = self.driver.find_element("css selector", selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        width = element.size["width"]
        ActionChains(self.driver).move_to_element_with_offset(
            element, round((begin - 0.5) * width), 0).click_and_hold().move_by_offset(
            round((end - begin) * width), 0).release().perform()

    def pdf(self):
        return self.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})["data"]
