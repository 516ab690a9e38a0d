// Plots of durations: over time, and by percentile.

import {durationAxis} from "./axes";
import {type Histogram, type Interval, type Mark} from "./data";
import {h} from "./dom";
import {micros, percentileName, seconds} from "./format";
import {type Axis, type Colour, type Figure, figure, type Line, redraw, type Values} from "./plot";

export interface Time {
  x: number[];
  intervals: Interval[];
  marks: Mark[];
  shade?: [number, number];
}

/** Time since the start; an interval stands at its middle. */
export function timeOf(intervals: Interval[], marks: Mark[], warmup_s = 0): Time {
  return {
    x: intervals.map((i) => Number((i.t_s + i.for_s / 2).toFixed(6))),
    intervals,
    marks,
    ...(warmup_s > 0 ? {shade: [0, warmup_s] as [number, number]} : {}),
  };
}

/** "1.5 s", at the axis. */
export function ofTime(s: number): string {
  return `${Number(s.toFixed(3))}\u202fs`;
}

export function timeAxis(time: Time): Axis {
  const last = time.intervals[time.intervals.length - 1];
  return {
    heading: "time since the start",
    text: (v) => seconds(v),
    tick: ofTime,
    range: [0, Math.max(last.t_s + last.for_s, ...time.marks.map((m) => m.t_s))],
  };
}

const OUTER: [keyof Histogram, string, number[]|undefined, number][] = [
  ["p50_us", "p50", undefined, 1.75],
  ["p90_us", "p90", [7, 3], 1.75],
  ["p99_us", "p99", undefined, 2],
  ["p99_9_us", "p99.9", [3, 3], 1.75],
];

function percentiles(intervals: Interval[], which: "service_time"|"response_time"): Line[] {
  return OUTER.map(
      ([key, label, dash, width], i) => ({
        label,
        dash,
        width,
        colour: (p) => p.ordered[i],
        values: intervals.map((one) => (one[which]?.[key] as number | undefined) ?? null),
      }));
}

const SCALED: Map<string, (log: boolean) => Partial<Figure>> = new Map();

/** Response and service time, on the same scale. */
export function latencyOverTime(time: Time, closed: boolean): HTMLElement[] {
  const response = percentiles(time.intervals, "response_time");
  const service = percentiles(time.intervals, "service_time");
  const all = [...response, ...service].map((line) => line.values);
  const at = (log: boolean): Partial<Figure> => ({
    yAxis: log ? durationAxis(all, true) : {text: micros, range: [0, highest(all) * 1.05]},
  });
  const make = (id: string, title: string, note: string, lines: Line[]) => {
    SCALED.set(id, at);
    return figure({
      id,
      title,
      note,
      x: time.x,
      xAxis: timeAxis(time),
      lines,
      yAxis: {text: micros},
      time,
      ...at(true),
      columns: [{name: "answers", values: time.intervals.map((i) => i.answered), text: String}],
    });
  };
  return [
    make(
        "response-over-time", "Response time",
        closed ? "From the client's turn to the last byte." :
                 "From when it was due to the last byte: what a user waits.",
        response),
    make(
        "service-over-time", "Service time", "From the send to the last byte: the server's.",
        service),
  ];
}

function highest(values: Values[]): number {
  let high = 0;
  for (const list of values)
    for (const one of list) high = Math.max(high, one ?? 0);
  return high || 1;
}

/** Of both plots of latencyOverTime(). */
export function scaleSwitch(): HTMLElement {
  const input = h("input", {type: "checkbox", checked: true}) as HTMLInputElement;
  input.addEventListener("change", () => {
    for (const [id, at] of SCALED) redraw(id, at(input.checked));
  });
  return h("label.switch", {}, input, " times on a logarithmic scale");
}

// --- by percentile ---

export interface Distribution {
  label: string;
  of: Histogram;
  colour: Colour;
  dash?: number[];
  width?: number;
}

const PER_DECADE = 40;

/** The percentile axis of HdrHistogram's plots: each step to the right is ten times as rare. */
export function byPercentile(
    id: string, title: string, note: string, shown: Distribution[], height = 230): HTMLElement|
    null {
  const told = shown.filter((d) => d.of.count > 0 && d.of.buckets);
  if (told.length === 0) return null;
  const rarest = Math.max(10, ...told.map((d) => d.of.count));
  const x: number[] = [];
  for (let i = 0; i <= Math.ceil(Math.log10(rarest) * PER_DECADE); ++i)
    x.push(10 ** (i / PER_DECADE));
  const lines = told.map((d) => ({
                           label: d.label,
                           colour: d.colour,
                           dash: d.dash,
                           width: d.width ?? 2,
                           values: curve(d.of, x),
                         }));
  return figure({
    id,
    title,
    note,
    x,
    xAxis: percentileAxis(x),
    yAxis: durationAxis(lines.map((l) => l.values), true, 1),
    lines,
    height,
  });
}

/** Of x = 1 / (1 - percentile), ascending. */
export function percentileAxis(x: number[]): Axis {
  const [first, last] = [x[0], x[x.length - 1]];
  const splits = [1, 2, 4];
  for (let v = 10; v <= last * 1.001; v *= 10) splits.push(v);
  const name = (v: number) => percentileName(100 * (1 - 1 / v));
  return {
    name: "percentile",
    text: name,
    tick: (v) => v === 1 ? "min" : name(v).slice(1) + "\u202f%",
    log: true,
    splits: splits.filter((v) => v >= first * 0.999 && v <= last * 1.001),
    range: [first, last],
  };
}

/** Values at 1 / (1 - percentile), in one pass over the buckets; null beyond what was counted. */
function curve(of: Histogram, x: number[]): Values {
  const buckets = of.buckets ?? [];
  let at = 0;
  let seen = buckets[0]?.[2] ?? 0;
  return x.map((rare, i) => {
    if (i === 0) return of.min_us ?? null;
    if (rare > of.count * 1.06) return null;
    const rank = Math.min(of.count, Math.max(1, Math.ceil((1 - 1 / rare) * of.count)));
    while (seen < rank && at + 1 < buckets.length) seen += buckets[++at][2];
    return Math.min(buckets[at][1], of.max_us ?? Infinity);
  });
}
