// The page of `giliran compare`: two results, row by row.

import {durationAxis} from "./axes";
import type {ComparePoint, CompareResult, CompareRow, CompareSide, Curve} from "./data";
import {type Child, facts, h, num, section, table} from "./dom";
import {count, decimal, list, micros, rate, seconds, share, short, signedShare} from "./format";
import {ofTime, percentileAxis} from "./latency";
import {figure, type Figure, type Values} from "./plot";

const METRICS = new Map([
  ["response_time", "response time"],
  ["service_time", "service time"],
  ["rate", "answers a second"],
  ["errors", "share of errors"],
]);

export function comparePage(result: CompareResult): Child[] {
  return [
    verdict(result),
    changes(result),
    distributions(result),
    overTime(result),
    sides(result),
  ];
}

const MOODS = new Map([["better", "good"], ["worse", "bad"], ["mixed", "bad"]]);

function mood(verdict: string): string {
  return MOODS.get(verdict) ?? "none";
}

function verdict(result: CompareResult): HTMLElement {
  return h(
      `section.verdict.${mood(result.verdict)}`,
      {id: "verdict", "aria-label": "Verdict"},
      h("p.judgement", {}, h("span.badge", {}, result.verdict.toUpperCase()), " ", result.text),
      (result.warnings ?? []).map((w) => h("p.missed", {}, w)),
      h("p.note", {}, result.method?.text ?? ""),
  );
}

// --- row by row ---

function value(row: CompareRow, of: number|undefined): HTMLElement {
  const text = row.unit === "us" ? micros : row.unit === "1/s" ? rate : share;
  return num(of, text);
}

function change(row: CompareRow, of: number|undefined): HTMLElement {
  const text = (v: number) => signedShare(v) + (row.metric === "errors" ? " of all" : "");
  return num(of, text);
}

function changes(result: CompareResult): HTMLElement {
  const widest = Math.max(
      0.1,
      ...result.rows.filter((r) => r.metric !== "errors")
          .flatMap((r) => [r.change, r.low, r.high])
          .map((v) => Math.abs(v ?? 0)));
  const reach = Math.min(widest, 2) * 1.05;
  return section(
      "changes", "What changed, from A to B",
      h("p.note", {},
        `Intervals hold with ${share(result.confidence)} confidence. A change below ${
            share(result.threshold)} is none, whatever they say.`),
      table(
          "by-row", "Changes from A to B",
          [
            {
              name: "",
              cell: (r) => [METRICS.get(r.metric) ?? r.metric, r.what ? ` ${r.what}` : ""],
              text: true,
            },
            {name: "A", cell: (r) => value(r, r.a)},
            {name: "B", cell: (r) => value(r, r.b)},
            {name: "change", cell: (r) => change(r, r.change)},
            {
              name: `interval (± ${decimal(reach * 100)} %)`,
              cell: (r) => r.metric === "errors" ? null : whisker(r, reach),
            },
            {
              name: "from … to",
              cell: (r) => r.low === undefined || r.high === undefined ?
                  "–" :
                  [change(r, r.low), " … ", change(r, r.high)],
            },
            {
              name: "verdict",
              cell: (r) =>
                  h(`span.${mood(r.verdict)}`, {}, h("span.badge", {}, r.verdict),
                    r.why ? h("div.more", {}, r.why) : null),
              text: true,
            },
          ],
          result.rows));
}

/** An interval of the change as a line, its middle as a dot, and no change as a tick. */
function whisker(row: CompareRow, reach: number): Child {
  if (row.change === undefined) return null;
  const at = (v: number) => 50 + 50 * Math.max(-1, Math.min(1, v / reach));
  const line = row.low === undefined || row.high === undefined ?
      null :
      h("i.line",
        {style: `left:${at(row.low)}%;width:${Math.max(1, at(row.high) - at(row.low))}%`});
  return h(
      `span.whisker.${mood(row.verdict)}`, {"aria-hidden": "true"}, h("i.zero"), line,
      h("i.dot", {style: `left:${at(row.change)}%`}));
}

// --- plots ---

const OF_A: Pick<Figure["lines"][0], "label"|"colour"|"dash"|"width"> = {
  label: "A",
  colour: (p) => p.kinds[0],
  dash: [7, 3],
  width: 2,
};
const OF_B: typeof OF_A = {
  label: "B",
  colour: (p) => p.kinds[1],
  width: 2
};

function distributions(result: CompareResult): Child {
  const one = (id: string, title: string, which: "response_time"|"service_time") => {
    const [a, b] = [result.a.distribution?.[which] ?? [], result.b.distribution?.[which] ?? []];
    if (a.length === 0 && b.length === 0) return null;
    const all = [...new Set([...a, ...b].map(([p]) => p))].sort((x, y) => x - y);
    const shown = all.filter((p) => p < 100);
    if (shown.length < 2) return null;
    const x = shown.map((p) => 1 / (1 - p / 100));
    const values = [along(a, shown), along(b, shown)];
    return figure({
      id,
      title,
      x,
      xAxis: percentileAxis(x),
      yAxis: durationAxis(values, true, 1),
      lines: [{...OF_A, values: values[0]}, {...OF_B, values: values[1]}],
      height: 230,
    });
  };
  const shown = [
    one("response-by-percentile", "Response time by percentile", "response_time"),
    one("service-by-percentile", "Service time by percentile", "service_time"),
  ];
  if (shown.every((f) => f === null)) return null;
  return section("by-percentile", "Distribution", h("div.pair", {}, shown));
}

/** A side's values at these percentiles; null where it has none. */
function along(curve: Curve, percentiles: number[]): Values {
  const values = new Map(curve);
  return percentiles.map((p) => values.get(p) ?? null);
}

/** The last interval may be so short that it says nothing. */
function whole(point: ComparePoint|undefined, all: ComparePoint[]): boolean {
  return point !== undefined && point.for_s > all[0].for_s / 2;
}

function overTime(result: CompareResult): Child {
  const a = result.a.over_time ?? [];
  const b = result.b.over_time ?? [];
  const longer = a.length > b.length ? a : b;
  if (longer.length === 0) return null;
  const x = longer.map((i, n) => {
    const from = (a.length > b.length ? a : b)[0].t_s;
    return Number((longer[n].t_s - from + i.for_s / 2).toFixed(6));
  });
  const pick = (of: ComparePoint[], key: keyof ComparePoint): Values =>
      x.map((_, i) => whole(of[i], of) ? of[i][key] ?? null : null);
  const plot = (id: string, title: string, key: keyof ComparePoint, duration: boolean) => {
    const values = [pick(a, key), pick(b, key)];
    return figure({
      id,
      title,
      x,
      xAxis: {
        heading: "time since measuring began",
        text: seconds,
        tick: ofTime,
      },
      yAxis: duration ? durationAxis(values, true) : {text: rate, tick: short},
      lines: [{...OF_A, values: values[0]}, {...OF_B, values: values[1]}],
      time: {marks: []},
    });
  };
  return section(
      "over-time", "Over time, the first run of each",
      h("div.pair", {}, plot("rate-over-time", "Answers a second", "rate", false),
        plot("p99-over-time", "Response time, p99", "p99_us", true)));
}

// --- what they are ---

function sides(result: CompareResult): HTMLElement {
  const one = (name: string, side: CompareSide) => h(
      "div", {}, h("h3", {}, name), facts([
        ["files", list(side.files ?? [])],
        ["target", side.url ? h("code", {}, side.url) : null],
        ["loop", side.loop ?? null],
        ["answered", num(side.answered, count)],
        ["answers a second", num(side.rate, decimal)],
        ["errors", num(side.errors_share, share)],
        ["measured", num(side.measured_s, seconds)],
        ["intervals", num(side.intervals, count)],
        ["client", side.valid === false ? ["CLIENT-LIMITED: ", list(side.reasons ?? [])] : "valid"],
      ]));
  return section(
      "sides", "What was compared", h("div.pair", {}, one("A", result.a), one("B", result.b)));
}
