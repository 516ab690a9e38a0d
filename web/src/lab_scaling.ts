// Threads: what more of them bring. All that was tried in one plot, log by log, where twice the
// threads at twice the rate is a straight line; with the Universal Scalability Law where it was
// fitted.

import {logAxis} from "./axes";
import type {LabResult, Scaling} from "./data";
import {type Child, fold, h, num, section, table} from "./dom";
import {decimal, micros, rate, share, short} from "./format";
import {figure, type Line, look, type Values} from "./plot";

const STEPS = 60;
const SETS_MAX = 8;
const SAME_START = 1.12;  // one ideal line serves sets that begin so near each other

export function threads(result: LabResult): Child {
  const sets = (result.scaling ?? []).filter((one) => one.points.length > 1).slice(0, SETS_MAX);
  if (sets.length === 0) return speedUps(result).length > 0 && whys(result, sets);
  const x = allThreads(sets);
  return section(
      "scaling", title(sets), h("div.pair", {}, rates(sets, x), tails(result, sets, x)),
      whys(result, sets), sets.map((set) => set.usl && law(set, sets)), numbers(sets));
}

function title(sets: Scaling[]): string {
  const of = new Set(sets.map((set) => set.of));
  if (of.size > 1) return "By number of threads";
  return `By number of threads of ${of.has("servers") ? "each server" : "the coordinator"}`;
}

/** What tells a set from the others. */
function nameOf(set: Scaling, sets: Scaling[]): string {
  if (sets.length === 1) return "measured";
  const mixed = sets.some((other) => other.of !== set.of);
  const of = mixed && set.of === "coordinator" ? "threads of the coordinator" : "";
  return [set.name ?? "", of].filter(Boolean).join(", ") || set.of;
}

// --- plots ---

function tried(set: Scaling): number[] {
  return set.points.map((p) => p.threads);
}

function allThreads(sets: Scaling[]): number[] {
  const all = sets.flatMap(tried);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const between = sets.some((set) => set.usl) ?
      Array.from({length: STEPS + 1}, (_, i) => least * (most / least) ** (i / STEPS)) :
      [];
  return [...new Set([...all, ...between])].sort((a, b) => a - b);
}

function xAxis(sets: Scaling[]) {
  const all = [...new Set(sets.flatMap(tried))].sort((a, b) => a - b);
  return {
    name: "threads",
    text: decimal,
    tick: short,
    splits: all,
    log: true,
    range: [all[0], all[all.length - 1]] as [number, number],
  };
}

function rates(sets: Scaling[], x: number[]): HTMLElement {
  const lines: Line[] = ideals(sets, x);
  sets.forEach((set, i) => {
    const at = new Map(set.points.map((p) => [p.threads, p.rate.median]));
    const {usl} = set;
    const last = set.points[set.points.length - 1];
    if (usl) {
      lines.push({
        label: sets.length === 1 ? "fitted law" : `law of ${nameOf(set, sets)}`,
        values: x.map((n) => (usl.gamma * n) / (1 + usl.alpha * (n - 1) + usl.beta * n * (n - 1))),
        colour: look(i).colour,
        width: 1.25,
      });
    }
    lines.push({
      ...look(i),
      label: nameOf(set, sets),
      values: x.map((n) => at.get(n) ?? null),
      dots: true,
      width: 2,
      spanGaps: true,
      ...(usl ? {line: false as const} : {}),
      ...(last.speed_up === undefined ? {} : {last: `${decimal(last.speed_up)}×`}),
    });
  });
  const measured = sets.map((set): Values => set.points.map((p) => p.rate.median));
  return figure({
    id: "scaling-curve",
    title: "Answers a second",
    note: "Both axes are logarithmic. Ideal is: twice the threads, twice the rate.",
    x,
    xAxis: xAxis(sets),
    yAxis: logAxis(measured, {text: rate, tick: short}),
    lines,
    height: 250,
  });
}

/** From the fewest threads of each set on; one line where several begin alike. */
function ideals(sets: Scaling[], x: number[]): Line[] {
  const starts: {threads: number; rate: number; until: number}[] = [];
  for (const set of sets) {
    const [first, until] = [set.points[0], Math.max(...tried(set))];
    const like = starts.find(
        (s) => s.threads === first.threads && s.rate < first.rate.median * SAME_START &&
            first.rate.median < s.rate * SAME_START);
    if (like)
      like.until = Math.max(like.until, until);
    else
      starts.push({threads: first.threads, rate: first.rate.median, until});
  }
  return starts.map(
      (s, i) => ({
        label: i === 0 ? "ideal" : `ideal from ${rate(s.rate)}`,
        quiet: i > 0,
        values: x.map((n) => (n < s.threads || n > s.until ? null : (s.rate * n) / s.threads)),
        colour: (p) => p.dim,
        dash: [2, 4],
        width: 1.25,
        spanGaps: true,
      }));
}

function tails(result: LabResult, sets: Scaling[], x: number[]): HTMLElement|null {
  const p99 = new Map((result.points ?? []).map((p) => [p.name, p.p99_us?.median]));
  const lines = sets.map((set, i): Line => {
    const at = new Map(set.points.map((p) => [p.threads, p99.get(p.point ?? "") ?? null]));
    return {
      ...look(i),
      label: nameOf(set, sets),
      values: x.map((n) => at.get(n) ?? null),
      dots: true,
      width: 2,
      spanGaps: true,
    };
  });
  if (lines.every((line) => line.values.every((v) => v === null))) return null;
  return figure({
    id: "scaling-p99",
    title: "Response time, p99",
    note: "99\u202f% of the answers came within it.",
    x,
    xAxis: xAxis(sets),
    yAxis: logAxis(lines.map((line) => line.values), {text: micros, tick: micros}),
    lines,
    height: 250,
  });
}

// --- in words and numbers ---

function speedUps(result: LabResult): NonNullable<LabResult["speed_ups"]> {
  return result.speed_ups ?? [];
}

const FEW_POINTS = 3;  // fewer are told as one against many

function whys(result: LabResult, sets: Scaling[]): HTMLElement|null {
  const told = sets.filter((set) => set.words && (set.points.length >= FEW_POINTS))
                   .map(
                       (set) => h(
                           "li", {}, sets.length > 1 ? h("b", {}, `${nameOf(set, sets)}: `) : null,
                           set.words ?? ""));
  const ups = speedUps(result).map(
      (s) =>
          h("li", {}, h("b", {}, s.many), ": ", num(s.speed_up, (v) => decimal(v) + "×"),
            ` the rate of ${s.one}. `, h("span.more", {}, s.why ?? "")));
  return ups.length + told.length > 0 ? h("ul.whys", {id: "speed-ups"}, ups, told) : null;
}

function law(set: Scaling, sets: Scaling[]): HTMLElement {
  const usl = set.usl as NonNullable<Scaling["usl"]>;
  return h(
      "p.note", {}, sets.length > 1 ? `${nameOf(set, sets)}: ` : "",
      "Universal Scalability Law: contention α ", num(usl.alpha, decimal), ", coherency β ",
      num(usl.beta, decimal), ", one thread alone γ ", num(usl.gamma, rate),
      usl.r_squared === undefined ? "" : [", R² ", num(usl.r_squared, (v) => v.toFixed(4))],
      usl.peak ?
          [
            "; its peak is ", num(usl.peak.rate, rate), " at ", num(usl.peak.threads, decimal),
            " threads", usl.peak.measured === false ? ", beyond what was tried." : "."
          ] :
          ".");
}

function numbers(sets: Scaling[]): HTMLElement {
  type Row = { set: Scaling; point: Scaling["points"][0] };
  const rows = sets.flatMap((set): Row[] => set.points.map((point) => ({set, point})));
  const several = sets.length > 1;
  return fold(
      "Speed-up and efficiency",
      table(
          "scaling-points", "Rate by number of threads",
          [
            ...(several ? [{name: "", text: true, cell: (r: Row) => nameOf(r.set, sets)}] : []),
            {name: "threads", cell: (r) => num(r.point.threads, decimal)},
            {
              name: "answers a second",
              cell: ({point: {rate: its}}) =>
                  [num(its.median, decimal),
                   its.low !== undefined && its.high !== undefined && its.count > 1 ?
                       h("div.more", {}, `${decimal(its.low)} … ${decimal(its.high)}`) :
                       null],
            },
            {name: "speed-up", cell: (r) => num(r.point.speed_up, (v) => decimal(v) + "×")},
            {name: "efficiency", cell: (r) => num(r.point.efficiency, share)},
          ],
          rows));
}
