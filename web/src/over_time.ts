// Plots of counts over time: rate, errors, shares of servers and tiers, how late the client was.

import {durationAxis} from "./axes";
import type {ClientResult, Interval} from "./data";
import {h} from "./dom";
import {count, decimal, rate, short} from "./format";
import {type Time, timeAxis} from "./latency";
import {figure, type Line, look, type Values} from "./plot";

/** The last interval may be so short that a rate says nothing. */
function perSecond(time: Time, of: (i: Interval) => number): Values {
  const usual = Math.max(...time.intervals.map((i) => i.for_s));
  return time.intervals.map((i) => (i.for_s < usual / 2 ? null : of(i) / i.for_s));
}

/** Errors have an axis of their own: few of them are to be seen beside many answers. */
export function rates(time: Time, open: boolean): HTMLElement {
  const wrong = time.intervals.some((i) => i.failed + i.bad_status > 0);
  const lines: Line[] = [
    {
      label: "answers",
      values: perSecond(time, (i) => i.answered),
      colour: (p) => p.good,
      width: 2,
      filled: true
    },
  ];
  if (wrong) {
    lines.push({
      label: "errors, at the right",
      values: perSecond(time, (i) => i.failed + i.bad_status),
      colour: (p) => p.bad,
      dash: [4, 2],
      width: 2,
      second: true
    });
  }
  if (open) {
    lines.unshift(
        {label: "due", values: perSecond(time, (i) => i.due), colour: (p) => p.dim, dash: [8, 4]});
  }
  return figure({
    id: "rate-over-time",
    title: "Rate and errors",
    note: wrong ? "A second. An error is a failure, or a status of 400 or more." :
                  "A second. There were no errors.",
    x: time.x,
    xAxis: timeAxis(time),
    yAxis: {text: rate, tick: short},
    ...(wrong ? {secondAxis: {text: rate, tick: short}} : {}),
    lines,
    time,
    columns: [
      {name: "failed", values: time.intervals.map((i) => i.failed), text: count},
      {name: "status ≥ 400", values: time.intervals.map((i) => i.bad_status), text: count},
    ],
  });
}

export function lateness(time: Time): HTMLElement {
  const late = time.intervals.map((i) => i.lag_max_us ?? null);
  return figure({
    id: "lag-over-time",
    title: "How late the client was",
    note: "To notice that a request was due: its own fault, not the servers'.",
    x: time.x,
    xAxis: timeAxis(time),
    yAxis: durationAxis([late], true),
    lines: [{label: "lag, at most", values: late, colour: (p) => p.kinds[3]}],
    time,
  });
}

export function crowd(time: Time): HTMLElement {
  return figure({
    id: "backlog-over-time",
    title: "Under way and waiting",
    note: "At most, at a time: sent and not answered; due and not sent.",
    x: time.x,
    xAxis: timeAxis(time),
    yAxis: {text: count, tick: short},
    lines: [
      {
        label: "under way",
        values: time.intervals.map((i) => i.in_flight_max ?? null),
        colour: (p) => p.kinds[0]
      },
      {
        label: "waiting for a connection",
        values: time.intervals.map((i) => i.backlog_max ?? null),
        colour: (p) => p.kinds[1],
        dash: [6, 3],
      },
    ],
    time,
  });
}

const SHOWN_MAX = 7;

export function serverShares(time: Time, names: string[]): HTMLElement|null {
  if (names.length === 0) return null;
  const shown = names.slice(0, names.length <= SHOWN_MAX + 1 ? SHOWN_MAX + 1 : SHOWN_MAX);
  const rest = new Set(names.slice(shown.length));
  const lines: Line[] = shown.map((name, i) => ({
                                    label: name,
                                    values: perSecond(time, (one) => own(one.servers, name)),
                                    ...look(i),
                                  }));
  if (rest.size > 0) {
    const sum = (one: Interval) =>
        Object.entries(one.servers ?? {})
            .reduce((n, [name, answers]) => n + (rest.has(name) ? answers : 0), 0);
    lines.push({
      label: `${rest.size} others`,
      values: perSecond(time, sum),
      colour: (p) => p.dim,
      dash: [2, 2]
    });
  }
  return figure({
    id: "servers-over-time",
    title: "Answers a second, by server",
    x: time.x,
    xAxis: timeAxis(time),
    yAxis: {text: rate, tick: short},
    lines,
    time,
  });
}

function own(of: Record<string, number>|undefined, name: string): number {
  return of && Object.prototype.hasOwnProperty.call(of, name) ? of[name] : 0;
}

export function tiersOverTime(time: Time, result: ClientResult): HTMLElement|null {
  const names = (result.tiers ?? []).map((t) => t.name).slice(0, 8);
  if (names.length === 0) return null;
  const values = names.map((name) => time.intervals.map((i) => own(i.tiers, name) || null));
  if (values.every((one) => one.every((v) => v === null))) return null;
  return figure({
    id: "tiers-over-time",
    title: "Mean time in each tier",
    note: "As the answers told in Server-Timing.",
    x: time.x,
    xAxis: timeAxis(time),
    yAxis: durationAxis(values, true),
    lines: names.map((name, i) => ({
                       label: name,
                       values: values[i],
                       ...look(i),
                     })),
    time,
  });
}

/** The marks in words, for who cannot see the plots. */
export function happened(time: Time): HTMLElement|null {
  if (time.marks.length === 0) return null;
  return h(
      "details.numbers",
      {},
      h("summary", {}, `What happened meanwhile (${time.marks.length})`),
      h("ol.marks", {},
        time.marks.map(
            (m) =>
                h("li", {}, h("data", {value: m.t_s}, `${decimal(m.t_s)}\u202fs`), " ", m.text))),
  );
}
