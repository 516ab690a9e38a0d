// The runs of a lab: all in a table, and one of them whole.

import {keyNumbers, plots} from "./client";
import {expectations, planFacts, tables} from "./client_tables";
import type {LabProcess, LabResult, LabRun} from "./data";
import {type Child, fold, h, num, section, table} from "./dom";
import {bytes, count, decimal, micros, seconds, share} from "./format";
import {ofTime, timeAxis, timeOf} from "./latency";
import {figure, look, type Values} from "./plot";

/** All of them in a table, then one whole: the telling one until another is chosen. */
export function runs(result: LabResult): Child[] {
  if (result.runs.length === 0) return [];
  const place = h("div", {id: "run"});
  const choice = h("select", {id: "run-choice"},
                   result.runs.map((r, i) => h("option", {value: i}, r.name))) as HTMLSelectElement;
  const show = () => place.replaceChildren(...oneRun(result.runs[Number(choice.value)]));
  choice.addEventListener("change", show);
  const eventful = result.runs.findIndex((r) => (r.marks ?? []).length > 0);
  const telling = result.runs.findIndex((r) => r.name === result.telling);
  choice.value = String(Math.max(0, eventful >= 0 ? eventful : telling));
  show();
  return [
    section("runs", "Runs", runTable(result)),
    h("div.chosen", {}, h("label", {}, "One run whole: ", choice)),
    place,
  ];
}

function problems(run: LabRun): string[] {
  const missed = (run.expected ?? []).filter((e) => !e.met).length;
  return [
    run.measured.verdict === "CLIENT-LIMITED" ? "client-limited" : "",
    missed > 0 ? `${missed} not met` : "",
    run.turns?.judged && run.turns.even === false ? "turns not even" : "",
    run.conservation?.conserved === false && run.conservation.judged !== false ?
        "not accounted for" :
        "",
    run.little?.holds === false ? "Little's law" : "",
  ].filter(Boolean);
}

function runTable(result: LabResult): HTMLElement {
  // What is in order needs no word.
  const verdict = (run: LabRun) => {
    const wrong = problems(run);
    return wrong.length > 0 && h("span.bad", {}, h("span.badge", {}, wrong.join(", ")));
  };
  return table(
      "by-run", "Runs",
      [
        {name: "run", text: true, cell: (r) => r.name},
        {name: "", text: true, cell: verdict},
        {name: "answers a second", cell: (r) => num(r.measured.rate, decimal)},
        {name: "response p50", cell: (r) => num(r.measured.p50_us, micros)},
        {name: "p99", cell: (r) => num(r.measured.p99_us, micros)},
        {name: "p99.9", cell: (r) => num(r.measured.p99_9_us, micros)},
        {name: "service p99", cell: (r) => num(r.measured.service_p99_us, micros)},
        {name: "errors", cell: (r) => num(r.measured.errors, count)},
        {name: "cores busy", cell: (r) => num(r.cpu?.cores_busy, decimal)},
        {name: "by others", cell: (r) => num(r.cpu?.others_busy, decimal)},
      ],
      result.runs);
}

// --- one run ---

function oneRun(run: LabRun): HTMLElement[] {
  const client = run.client;
  const shown = client ? {...client, marks: run.marks ?? client.marks} : undefined;
  const some: Child[] = [
    summary(run),
    shown ? keyNumbers(shown) : null,
    ...(shown ? plots(shown, [cpuOverTime(run)]) : []),
    section(
        "in-numbers", "In numbers", shown ? tables(shown) : null, processes(run), turns(run),
        shown ? fold("What the client did", planFacts(shown)) : null, commands(run)),
  ];
  return some.filter((one): one is HTMLElement => one instanceof HTMLElement);
}

function summary(run: LabRun): HTMLElement {
  const expected = run.expected ?? [];
  return section(
      "run-summary", run.name, run.where_time_goes ? h("p", {}, run.where_time_goes) : null,
      run.little?.text ? h(run.little.holds ? "p" : "p.missed", {}, run.little.text) : null,
      expected.length > 0 ? expectations(expected) : null);
}

function processes(run: LabRun): Child {
  const all = run.processes ?? [];
  if (all.length === 0) return null;
  return fold(
      "Processes",
      table(
          "by-process", "Processes",
          [
            {name: "process", text: true, cell: (p) => p.name},
            {name: "starts", cell: (p) => num(p.starts, count)},
            {name: "CPU, user", cell: (p) => num(p.user_s, seconds)},
            {name: "system", cell: (p) => num(p.system_s, seconds)},
            {name: "a request", cell: (p) => num(p.us_per_request, micros)},
            {name: "memory, at most", cell: (p) => num(p.memory_max_bytes, bytes)},
            {name: "ended with", text: true, cell: (p) => p.ended ?? ""},
          ],
          all));
}

const SHOWN_MAX = 8;

function cpuOverTime(run: LabRun): HTMLElement|null {
  const told =
      (run.processes ?? []).filter((p) => (p.cpu_over_time ?? []).length > 1).slice(0, SHOWN_MAX);
  if (told.length === 0) return null;
  const x = [...new Set(told.flatMap((p) => (p.cpu_over_time ?? []).map(([t]) => t)))].sort(
      (a, b) => a - b);
  const values = (p: LabProcess): Values => {
    const at = new Map(p.cpu_over_time);
    return x.map((t) => at.get(t) ?? null);
  };
  const intervals = run.client?.intervals ?? [];
  const time = timeOf(intervals, run.marks ?? []);
  return figure({
    id: "cpu-over-time",
    title: "Cores kept busy",
    x,
    xAxis: intervals.length > 0 ? {
      ...timeAxis(time),
      range: [Math.min(0, x[0]), Math.max(x[x.length - 1], ...timeAxis(time).range ?? [])]
    } :
                                  {heading: "time since the start", text: seconds, tick: ofTime},
    yAxis: {text: decimal},
    lines: told.map((p, i) => ({
                      label: p.name,
                      values: values(p),
                      spanGaps: true,
                      ...look(i),
                    })),
    time,
  });
}

function turns(run: LabRun): Child {
  const of = run.turns?.servers;
  if (!of) return null;
  const all =
      Array.isArray(of) ? of.map((o): [string, number] => [o.name, o.turns]) : Object.entries(of);
  if (all.length === 0) return null;
  const sum = all.reduce((n, [, t]) => n + t, 0) || 1;
  const most = Math.max(...all.map(([, t]) => t)) || 1;
  return fold(
      "Turns", h("p.note", {}, "How often the coordinator chose each server, by its log."),
      table(
          "by-turn", "Turns by server",
          [
            {name: "server", text: true, cell: ([name]) => name},
            {name: "turns", cell: ([, t]) => num(t, count)},
            {
              name: "share",
              cell: ([, t]) =>
                  [h("span.bar", {style: `--part:${Math.max(0.5, (t / most) * 100)}%`}),
                   num(t / sum, share)],
            },
          ],
          all));
}

function commands(run: LabRun): Child {
  const all = run.commands ?? [];
  return all.length > 0 && fold("To do it by hand", h("pre", {id: "commands"}, all.join("\n")));
}
