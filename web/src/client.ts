// The page of one run of `giliran client`.

import {expectations, isOpen, planFacts, tables} from "./client_tables";
import type {ClientResult, Histogram} from "./data";
import {type Child, fold, h, num, section, table} from "./dom";
import {count, decimal, micros, plural, seconds, share} from "./format";
import {byPercentile, latencyOverTime, scaleSwitch, timeOf} from "./latency";
import {crowd, happened, lateness, rates, serverShares, tiersOverTime} from "./over_time";

export function clientPage(result: ClientResult): Child[] {
  return [
    verdict(result),
    keyNumbers(result),
    thresholds(result),
    ...plots(result),
    section(
        "in-numbers", "In numbers", tables(result).map(opened),
        fold("What was run", planFacts(result))),
  ];
}

function opened(fold: HTMLElement): HTMLElement {
  fold.setAttribute("open", "");
  return fold;
}

export function errorsOf(result: ClientResult): number {
  return result.totals.failed + result.totals.bad_status;
}

export function errorShare(result: ClientResult): number {
  const ended = result.totals.answered + result.totals.failed;
  return ended === 0 ? 0 : errorsOf(result) / ended;
}

// --- at the top, in words ---

// How the target did is in the colour of success or failure; what the measurement is worth is not:
// valid numbers may be those of a run in which everything failed.
function verdict(result: ClientResult): HTMLElement {
  const target = targetWord(result);
  const missed = (result.expected ?? []).filter((e) => !e.met).length;
  return h(
      `section.verdict.${target === "NO ERRORS" ? "good" : "bad"}${
          missed > 0 || result.interrupted ? ".alarm" : ""}`,
      {"aria-label": "Verdict", id: "verdict"},
      h("p.judgement", {id: "target"}, h("span.badge", {}, target), " ", headline(result)),
      ...measurement(result),
      hiding(result),
      missed > 0 ? h("p.missed", {}, h("b", {}, `${plural(missed, "expectation")} not met`),
                     ", see below.") :
                   null,
      result.interrupted ?
          h("p.missed", {}, h("b", {}, "Interrupted"), " before the planned end.") :
          null,
  );
}

function targetWord(result: ClientResult): string {
  if (result.target) return result.target.text;
  return errorsOf(result) === 0 ? "NO ERRORS" : "ERRORS";
}

function measurement(result: ClientResult): Child[] {
  const judged = result.verdict;
  const limited = judged?.valid === false;
  const told = judged !== undefined && judged.judged !== false;
  const words = limited ? "These numbers tell more of the client than of the system it measured." :
      told              ? keptUp(result) :
                          "Too little was measured to tell whether the client kept up.";
  return [
    h(`p.measurement.${limited ? "bad" : "none"}`, {id: "measurement"},
      "Measurement: ", h("span.badge", {}, judged?.text ?? "NOT JUDGED"), " ", words),
    limited ? h("ul", {}, (judged?.reasons ?? []).map((r) => h("li", {}, r))) : null,
  ];
}

function headline(result: ClientResult): Child {
  const response = result.response_time;
  const errors = errorsOf(result);
  if (result.totals.answered === 0)
    return `Not one of ${plural(result.totals.issued, "request")} was answered.`;
  return [
    num(result.rate, (v) => `${decimal(v)} answers a second`),
    "; half of them within ",
    num(response.p50_us, micros),
    ", 99\u202f% within ",
    num(response.p99_us, micros),
    "; ",
    errors === 0 ? "no errors." : [num(errorShare(result), share), " errors."],
  ];
}

function keptUp(result: ClientResult): Child {
  const cpu = result.cpu_share === undefined ?
      "" :
      ` It used ${share(result.cpu_share)} of the processor time its threads had.`;
  if (!result.lag || result.lag.count === 0) return `The client kept up.${cpu}`;
  return `The client kept up: 99\u202f% of its requests were noticed within ${
      micros(result.lag.p99_us)} of when they were due.${cpu}`;
}

/** Where the service time is much the better of the two, it must not be read alone. */
function hiding(result: ClientResult): Child {
  const {response_time: response, service_time: service} = result;
  const [slow, fast] = [response.p99_us ?? 0, service.p99_us ?? 0];
  if (!isOpen(result) || slow < 1.5 * fast || slow - fast < 1000) return null;
  return h(
      "p.hiding",
      {id: "hiding"},
      h("b", {}, "Mind the response time. "),
      `Once sent, 99\u202f% of the requests took at most ${
          micros(
              fast)}; but 1\u202f% were answered later than ${micros(slow)} after they were due, ` +
          "because they had to wait for their turn to be sent. The service time alone hides that.",
  );
}

// --- the key numbers ---

const COLUMNS: [string, keyof Histogram][] = [
  ["mean", "mean_us"],
  ["p50", "p50_us"],
  ["p90", "p90_us"],
  ["p99", "p99_us"],
  ["p99.9", "p99_9_us"],
  ["p99.99", "p99_99_us"],
  ["max", "max_us"],
];

export function keyNumbers(result: ClientResult): HTMLElement {
  const t = result.totals;
  const tile = (id: string, name: string, value: Child, more: Child) =>
      h("div.tile", {id}, h("div.name", {}, name), h("div.value", {}, value),
        h("div.more", {}, more));
  const planned = result.plan.rate;
  return section(
      "numbers",
      "Key numbers",
      h(
          "div.tiles",
          {},
          tile(
              "rate", "Answers a second", num(result.rate, decimal),
              planned === undefined ? "closed loop" : ["planned: ", num(planned, decimal)]),
          tile(
              "answered", "Answered", num(t.answered, count),
              ["of ", num(t.due ?? t.issued, count), isOpen(result) ? " due" : " issued"]),
          tile(
              "errors", "Errors", num(errorShare(result), share),
              [num(t.failed, count), " failed, ", num(t.bad_status, count), " with status ≥ 400"]),
          tile(
              "worst", "Worst response", num(result.response_time.max_us, micros),
              ["p99.9: ", num(result.response_time.p99_9_us, micros)]),
          ),
      times(result),
      fold("What these times are", explanation(result)),
  );
}

/** The response time, then what it is made of. */
function times(result: ClientResult): HTMLElement {
  const rows: [string, Histogram|undefined][] = [
    ["response time", result.response_time],
    ["service time", result.service_time],
    ["wait for a connection", result.wait],
    ["lag of the client", result.lag],
    ["(opening a connection)", result.connect],
  ];
  return table(
      "both-times",
      "Response time, service time and the other parts",
      [
        {name: "", text: true, cell: ([name]) => name},
        ...COLUMNS.map(([name, key]) => ({
                         name,
                         cell: ([, of]: [string, Histogram|undefined]) =>
                             num(of?.[key] as number | undefined, micros),
                       })),
      ],
      rows.filter(([, of], i) => i < 2 || (of !== undefined && of.count > 0)),
  );
}

function explanation(result: ClientResult): Child[] {
  const open = isOpen(result);
  return [
    h(
        "p",
        {},
        h("b", {}, "Response time"),
        open ?
            " is what a user waits: from when the request was due to the last byte of the answer." :
            " counts from the client's turn, connecting included, to the last byte of the answer.",
        ),
    h("p", {}, h("b", {}, "Service time"),
      " is what the server took: from the actual send to the last byte."),
    h(
        "p",
        {},
        open ? "In between are the client's own lag and the wait for an idle connection. " +
                "When servers stall, requests pile up unsent: the service time does not see them," +
                " the response time does." :
               "In a closed loop each client asks only after its answer came: " +
                "slow servers are asked less, and their slowness weighs less. " +
                "To see what users would wait, give a rate (-R).",
        ),
  ];
}

function thresholds(result: ClientResult): Child {
  const expected = result.expected ?? [];
  return expected.length > 0 && section("expected", "Expected", expectations(expected));
}

// --- plots ---

const FEW = 3;  // intervals that make no line

/** Those over time, `more` among them, and the distribution. */
export function plots(result: ClientResult, more: Child[] = []): Child[] {
  const intervals = result.intervals ?? [];
  const time = timeOf(intervals, result.marks ?? [], result.plan.warmup_s);
  const spread = distribution(result);
  if (intervals.length < FEW) {
    const short =
        h("p.note", {},
          `The run was too short to be shown over time: it has ${
              plural(intervals.length, "interval")}.`);
    return [section("over-time", "Over time", short, h("div.plots", {}, spread))];
  }
  const every = result.interval_s ?? intervals[0].for_s;
  const names =
      (result.servers ?? []).slice().sort((a, b) => b.answers - a.answers).map((s) => s.name);
  const open = isOpen(result);
  return [
    section(
        "over-time",
        "Over time",
        h(
            "p.note",
            {},
            `In intervals of ${seconds(every)}; percentiles are of each interval alone.`,
            time.shade ? " The shaded stretch is the warm-up, which is in no total." : "",
            h("span.screen", {}, " Drag across a plot to zoom, double-click to see all. "),
            scaleSwitch(),
            ),
        happened(time),
        h("div.plots", {}, rates(time, open), ...latencyOverTime(time, !open), crowd(time),
          open ? lateness(time) : null, serverShares(time, names), tiersOverTime(time, result),
          more, spread),
        ),
  ];
}

function distribution(result: ClientResult): HTMLElement|null {
  return byPercentile(
      "distribution", "Latency by percentile", "Each step to the right is ten times as rare.",
      [
        {label: "response time", of: result.response_time, colour: (p) => p.kinds[0], width: 2.25},
        {label: "service time", of: result.service_time, colour: (p) => p.kinds[2], dash: [7, 3]},
        ...(result.lag ? [{
          label: "lag",
          of: result.lag,
          colour: (p: {dim: string}) => p.dim,
          dash: [2, 3],
          width: 1.5
        }] :
                         []),
      ],
      170);
}
