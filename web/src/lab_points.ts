// Points of a lab: what was varied, against what came out; medians with what they were taken from.

import type {Histogram, Label, LabPoint, LabResult, LabRun, Mark, Median} from "./data";
import {type Child, type Column, h, num, section, table} from "./dom";

import {count, decimal, micros, rate, short} from "./format";
import {durationAxis, logAxis} from "./axes";
import {byPercentile, timeAxis, timeOf} from "./latency";
import {type Axis, figure, type Line, LINES_MAX, look, type Values} from "./plot";


export function points(result: LabResult): Child[] {
  const all = result.points ?? [];
  if (all.length < 2) return [];
  const plotted = againstAxis(result, all);
  // Without repetitions the table of the runs says the same.
  const repeated = (result.repetitions ?? 1) > 1;
  return [
    (repeated || plotted) &&
        section(
            "points", "By what was varied", plotted, medianNote(result),
            repeated && pointTable(result, all)),
    overlays(result, all),
  ];
}

function medianNote(result: LabResult): Child {
  const n = result.repetitions ?? 1;
  return n > 1 &&
      h("p.note", {},
        `Medians of ${n} runs each, with the interval that holds the true median; ` +
            "of fewer than six runs that is from the least to the greatest.");
}

// --- the table ---

function spread(of: Median|undefined, text: (v: number) => string): Child {
  if (!of || of.count === 0) return "–";
  const wide = of.count > 1 && of.low !== undefined && of.high !== undefined && of.low !== of.high;
  return [
    num(of.median, text), wide ? h("div.more", {}, `${text(of.low!)} … ${text(of.high!)}`) : null
  ];
}

function pointTable(result: LabResult, all: LabPoint[]): HTMLElement {
  const axes = (result.axes ?? []).map((a) => a.key);
  const most = Math.max(...all.map((p) => p.rate?.median ?? 0)) || 1;
  const slowest = Math.max(...all.map((p) => p.p99_us?.median ?? 0)) || 1;
  const bar = (part: number) => h("span.bar", {style: `--part:${Math.max(0.5, part * 100)}%`});
  const labelled: Column<LabPoint>[] = axes.length > 0 ?
      axes.map((key) => ({
                 name: key,
                 text: true,
                 cell: (p: LabPoint) => p.labels?.find((l) => l.key === key)?.value ?? "–",
               })) :
      [{name: "point", text: true, cell: (p: LabPoint) => p.name}];
  return table(
      "by-point", "Medians by point",
      [
        ...labelled,
        {
          name: "answers a second",
          cell: (p) => [bar((p.rate?.median ?? 0) / most), spread(p.rate, decimal)]
        },
        {name: "response p50", cell: (p) => spread(p.p50_us, micros)},
        {
          name: "p99",
          cell: (p) => [bar((p.p99_us?.median ?? 0) / slowest), spread(p.p99_us, micros)]
        },
        {name: "p99.9", cell: (p) => spread(p.p99_9_us, micros)},
        {name: "service p99", cell: (p) => spread(p.service_p99_us, micros)},
        {name: "errors", cell: (p) => spread(p.errors, count)},
        {name: "CPU a request", cell: (p) => spread(p.cpu_us, micros)},
      ],
      all);
}

// --- against an axis of numbers ---

function labelOf(labels: Label[]|undefined, key: string): string {
  return labels?.find((l) => l.key === key)?.value ?? "";
}

const SUFFIX = new Map([["k", 1e3], ["m", 1e6], ["", 1]]);

/** "2k" as a number; null where it is none. */
function numberOf(text: string): number|null {
  const found = /^(\d+(?:\.\d+)?)([km]?)(?:\/s)?$/i.exec(text.trim());
  return found ? Number(found[1]) * (SUFFIX.get(found[2].toLowerCase()) ?? 1) : null;
}

/** The axis with the most numbers; threads have a place of their own. */
function numericAxis(result: LabResult): {key: string; values: string[]}|undefined {
  return (result.axes ?? [])
      .filter((a) => a.values.length > 2 && a.values.every((v) => numberOf(v) !== null))
      .filter((a) => (result.scaling ?? []).length === 0 || !a.key.endsWith(".threads"))
      .sort((a, b) => b.values.length - a.values.length)[0];
}

/** Points by the values of all other axes. */
function groupsOf(all: LabPoint[], key: string): [string, LabPoint[]][] {
  const groups = new Map<string, LabPoint[]>();
  for (const p of all.filter((one) => labelOf(one.labels, key) !== "")) {
    const name = (p.labels ?? []).filter((l) => l.key !== key).map((l) => l.value).join(", ");
    groups.set(name, [...(groups.get(name) ?? []), p]);
  }
  return [...groups].slice(0, LINES_MAX);
}

function againstAxis(result: LabResult, all: LabPoint[]): Child {
  const numeric = numericAxis(result);
  if (!numeric) return null;
  const x = [...new Set(numeric.values.map((v) => numberOf(v) as number))].sort((a, b) => a - b);
  const groups = groupsOf(all, numeric.key);
  const lines = (of: (p: LabPoint) => Median | undefined, name: string) =>
      groups.map(([group, points], i): Line => {
        const at = new Map(
            points.map((p) => [numberOf(labelOf(p.labels, numeric.key)), of(p)?.median ?? null]));
        return {
          label: group || name,
          ...look(i),
          width: 2,
          dots: true,
          spanGaps: true,
          values: x.map((v) => at.get(v) ?? null),
        };
      });
  const wide = x[0] > 0 && x[x.length - 1] / x[0] >= 20;
  const xAxis: Axis = {
    name: numeric.key,
    text: (v) => decimal(v),
    tick: short,
    log: wide,
    ...(x.length <= 10 ? {splits: x} : {}),
    range: [x[0], x[x.length - 1]],
  };
  const head = lines((p) => p.rate, "median");
  const tail = lines((p) => p.p99_us, "p99");
  const texts = {text: rate, tick: short};
  return h(
      "div.pair", {}, figure({
        id: "rate-by-point",
        title: "Answers a second",
        x,
        xAxis,
        yAxis: wide ? logAxis(head.map((l) => l.values), texts) : texts,
        lines: head,
      }),
      figure({
        id: "p99-by-point",
        title: "Response time, p99",
        x,
        xAxis,
        yAxis: durationAxis(tail.map((l) => l.values), true),
        lines: tail,
      }));
}

// --- points over each other ---

function runOf(result: LabResult, name: string): LabRun|undefined {
  return result.runs.find((r) => r.name === name);
}

/** Histograms of the client have the same buckets: they are added, percentiles never averaged. */
export function added(all: Histogram[]): Histogram {
  const buckets = new Map<number, [number, number, number]>();
  for (const one of all) {
    for (const [low, high, n] of one.buckets ?? []) {
      const has = buckets.get(low);
      buckets.set(low, [low, high, n + (has ? has[2] : 0)]);
    }
  }
  const least = all.map((one) => one.min_us).filter((v): v is number => v !== undefined);
  const most = all.map((one) => one.max_us).filter((v): v is number => v !== undefined);
  return {
    count: all.reduce((n, one) => n + one.count, 0),
    min_us: least.length ? Math.min(...least) : undefined,
    max_us: most.length ? Math.max(...most) : undefined,
    buckets: [...buckets.values()].sort((a, b) => a[0] - b[0]),
  };
}

/** "threads 4, least-requests": numbers with what they are of. */
function named(p: LabPoint): string {
  const texts = (p.labels ?? []).map((l) => {
    return numberOf(l.value) === null ? l.value : `${l.key.split(".").pop() ?? ""} ${l.value}`;
  });
  return texts.join(", ") || p.name;
}

function overlays(result: LabResult, all: LabPoint[]): Child {
  const shown = all.slice(0, LINES_MAX);
  const spread = byPercentile(
      "points-by-percentile", "Response time by percentile",
      "All repetitions of a point together. Each step to the right is ten times as rare.",
      shown.map((p, i) => ({
                  label: named(p),
                  of: added((p.runs ?? [])
                                .map((name) => runOf(result, name)?.client?.response_time)
                                .filter((one): one is Histogram => one !== undefined)),
                  ...look(i),
                })));
  const over = overTime(result, shown);
  if (!spread && !over) return null;
  return section(
      "side-by-side", "Side by side",
      all.length > shown.length ?
          h("p.note", {}, `The first ${shown.length} of ${all.length} points.`) :
          null,
      over && spread ? h("div.pair", {}, over, spread) : (over ?? spread));
}

const TOGETHER_S = 0.5;
const MARKS_MAX = 12;

/** What happened in every run at about the same time once; else with where it happened. */
function marksOf(shown: LabPoint[], runs: (LabRun|undefined)[]): Mark[] {
  const all = runs.map((r) => r?.marks ?? r?.client?.marks ?? []);
  const everywhere = (m: Mark) => all.every(
      (own) => own.some((o) => o.text === m.text && Math.abs(o.t_s - m.t_s) < TOGETHER_S));
  const common = (all[0] ?? []).filter(everywhere);
  const others = all.flatMap(
      (own, i) => own.filter((m) => !everywhere(m))
                      .map((m) => ({t_s: m.t_s, text: `${named(shown[i])}: ${m.text}`})));
  return [...common, ...others].sort((a, b) => a.t_s - b.t_s).slice(0, MARKS_MAX);
}

/** The first run of each point, where they go over the same time. */
function overTime(result: LabResult, shown: LabPoint[]): HTMLElement|null {
  const firsts = shown.map((p) => runOf(result, p.runs?.[0] ?? ""));
  const clients = firsts.map((r) => r?.client?.intervals ?? []);
  const longest =
      firsts[clients.indexOf(clients.reduce((a, b) => (b.length > a.length ? b : a), []))];
  const intervals = longest?.client?.intervals ?? [];
  if (intervals.length < 3 ||
      clients.some((c) => c.length > 0 && c[0].for_s !== intervals[0].for_s)) {
    return null;
  }
  const time = timeOf(intervals, marksOf(shown, firsts));
  const lines = clients.map((own, i): Line => ({
                              label: named(shown[i]),
                              ...look(i),
                              values: time.x.map((_, at) => own[at]?.response_time?.p99_us ?? null),
                            }));
  return figure({
    id: "points-over-time",
    title: "Response time p99 over time",
    note: "The first run of each. Each run is shown whole below.",
    x: time.x,
    xAxis: timeAxis(time),
    yAxis: durationAxis(lines.map((l): Values => l.values), true),
    lines,
    time,
    height: 230,
  });
}
