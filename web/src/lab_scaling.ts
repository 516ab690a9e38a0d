// Threads: what more of them bring, with the Universal Scalability Law where it could be fitted.

import type {LabResult, Scaling} from "./data";
import {type Child, h, num, section, table} from "./dom";
import {decimal, rate, share, short} from "./format";
import {figure, type Line} from "./plot";

export function speedUps(result: LabResult): Child {
  const all = result.speed_ups ?? [];
  return all.length > 0 &&
      section(
             "speed-ups", "One thread against many",
             table(
                 "by-speed-up", "Speed-ups",
                 [
                   {name: "one", text: true, cell: (s) => s.one},
                   {name: "many", text: true, cell: (s) => s.many},
                   {name: "speed-up", cell: (s) => num(s.speed_up, (v) => decimal(v) + " ×")},
                   {name: "why", text: true, cell: (s) => h("span.wrap", {}, s.why ?? "")},
                 ],
                 all));
}

export function scaling(result: LabResult): Child {
  return (result.scaling ?? []).map((one, i) => one.points.length > 0 && scalingOf(one, i));
}

function scalingOf(one: Scaling, index: number): HTMLElement {
  const id = index === 0 ? "scaling" : `scaling-${index + 1}`;
  const {usl} = one;
  return section(
      id, `Threads of ${one.of === "servers" ? "each server" : "the coordinator"}`,
      one.words ? h("p", {}, one.words) : null,
      h("div.pair", {}, curve(id, one),
        h("div", {},
          table(
              `${id}-points`, "Rate by number of threads",
              [
                {name: "threads", cell: (p) => num(p.threads, decimal)},
                {
                  name: "answers a second",
                  cell: (p) =>
                      [num(p.rate.median, decimal),
                       p.rate.low !== undefined && p.rate.high !== undefined && p.rate.count > 1 ?
                           h("div.more", {}, `${decimal(p.rate.low)} … ${decimal(p.rate.high)}`) :
                           null],
                },
                {name: "speed-up", cell: (p) => num(p.speed_up, (v) => decimal(v) + " ×")},
                {name: "efficiency", cell: (p) => num(p.efficiency, share)},
              ],
              one.points),
          usl ? law(usl) : null)));
}

function law(usl: NonNullable<Scaling["usl"]>): HTMLElement {
  return h(
      "p.note", {}, "Universal Scalability Law: contention α ", num(usl.alpha, decimal),
      ", coherency β ", num(usl.beta, decimal), ", one thread alone γ ", num(usl.gamma, rate),
      usl.r_squared === undefined ? "" : [", R² ", num(usl.r_squared, (v) => v.toFixed(4))],
      usl.peak ?
          [
            "; its peak is ", num(usl.peak.rate, rate), " at ", num(usl.peak.threads, decimal),
            " threads", usl.peak.measured === false ? ", beyond what was tried." : "."
          ] :
          ".");
}

const STEPS = 60;

/** Measured points, the fitted law between them, and what as many times the threads would be. */
function curve(id: string, one: Scaling): HTMLElement {
  const tried = one.points.map((p) => p.threads);
  const [least, most] = [Math.min(...tried), Math.max(...tried)];
  const between = one.usl ?
      Array.from({length: STEPS + 1}, (_, i) => least * (most / least) ** (i / STEPS)) :
      [];
  const x = [...new Set([...tried, ...between])].sort((a, b) => a - b);
  const first = one.points.find((p) => p.threads === least);
  const each = (first?.rate.median ?? 0) / least;
  const top = Math.max(...one.points.map((p) => p.rate.high ?? p.rate.median)) * 1.25;
  const at = new Map(one.points.map((p) => [p.threads, p]));
  const lines: Line[] = [
    {
      label: "as many times as fast",
      values: x.map((n) => (n * each <= top ? n * each : null)),
      colour: (p) => p.dim,
      dash: [6, 4],
      width: 1.25,
    },
    {
      label: "measured",
      values: x.map((n) => at.get(n)?.rate.median ?? null),
      colour: (p) => p.kinds[1],
      dots: true,
    },
  ];
  const {usl} = one;
  if (usl) {
    lines.splice(1, 0, {
      label: "fitted law",
      values: x.map((n) => (usl.gamma * n) / (1 + usl.alpha * (n - 1) + usl.beta * n * (n - 1))),
      colour: (p) => p.kinds[0],
      width: 2,
    });
  }
  return figure({
    id: `${id}-curve`,
    title: "Answers a second by number of threads",
    x,
    xAxis: {
      name: "threads",
      text: decimal,
      tick: short,
      splits: [...new Set(tried)],
      log: most / least >= 8,
      range: [least, most],
    },
    yAxis: {text: rate, tick: short, range: [0, top]},
    lines,
    height: 280,
  });
}
