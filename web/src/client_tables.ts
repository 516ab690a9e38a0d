// The tables of the client's page, and what was run.

import type {ClientResult, Expected} from "./data";
import {facts, fold, h, num, table} from "./dom";
import {bytes, count, decimal, list, micros, moment, plural, rate, seconds, share} from "./format";

export function isOpen(result: ClientResult): boolean {
  return result.plan.loop === "open";
}

/** What was to hold, and whether it did. */
export function expectations(expected: Expected[]): HTMLElement {
  return h(
      "ul.expected", {},
      expected.map(
          (e) =>
              h(`li.${e.met ? "good" : "bad"}`, {},
                h("span.badge", {}, e.met ? "✓ met" : "✗ not met"), " ", h("code", {}, e.text),
                h("span.more", {}, ` measured ${e.measured}`))));
}

/** By error, address, server and tier. */
export function tables(result: ClientResult): HTMLElement[] {
  const servers = result.servers ?? [];
  const tiers = result.tiers ?? [];
  const failures = Object.entries(result.errors ?? {});
  const statuses = Object.entries(result.statuses ?? {});
  const most = Math.max(1, ...servers.map((s) => s.answers));
  const all = Math.max(1, result.totals.answered);
  const slowest = Math.max(1e-9, ...tiers.map((t) => t.mean_us ?? 0));
  const bar = (part: number) => h("span.bar", {style: `--part:${Math.max(0.5, part * 100)}%`});
  const byServer =
      servers.length > 0 &&
      fold(
          "By server",
          table(
              "by-server",
              "Answers by server",
              [
                {name: "server", cell: (s) => s.name, text: true},
                {name: "answers", cell: (s) => num(s.answers, count)},
                {name: "share", cell: (s) => [bar(s.answers / most), num(s.answers / all, share)]},
                {name: "status ≥ 400", cell: (s) => num(s.bad_status, count)},
                {name: "service p50", cell: (s) => num(s.service_time.p50_us, micros)},
                {name: "p90", cell: (s) => num(s.service_time.p90_us, micros)},
                {name: "p99", cell: (s) => num(s.service_time.p99_us, micros)},
                {name: "max", cell: (s) => num(s.service_time.max_us, micros)},
              ],
              servers,
              ),
      );
  const byTier =
      tiers.length > 0 &&
      fold(
          "By tier",
          h("p.note", {}, "Where the time went, as the answers told in Server-Timing."),
          table(
              "by-tier",
              "Time by tier",
              [
                {
                  name: "tier",
                  cell: (t) =>
                      [t.name, TIERS[t.name] ? h("span.more", {}, ` ${TIERS[t.name]}`) : null],
                  text: true
                },
                {name: "answers", cell: (t) => num(t.count, count)},
                {
                  name: "mean",
                  cell: (t) => [bar((t.mean_us ?? 0) / slowest), num(t.mean_us, micros)]
                },
                {name: "p50", cell: (t) => num(t.p50_us, micros)},
                {name: "p99", cell: (t) => num(t.p99_us, micros)},
                {name: "max", cell: (t) => num(t.max_us, micros)},
              ],
              tiers,
              ),
      );
  const wrong =
      failures.length + (statuses.length > 1 ? 1 : 0) > 0 &&
      fold(
          "Errors and statuses",
          table(
              "by-error",
              "How requests ended",
              [
                {name: "end", cell: (r) => r[0], text: true},
                {name: "requests", cell: (r) => num(r[1], count)},
                {
                  name: "share",
                  cell: (r) =>
                      num(r[1] / Math.max(1, result.totals.answered + result.totals.failed), share)
                },
              ],
              [
                ...failures, ...statuses.map(([name, n]): [string, number] => [`status ${name}`, n])
              ],
              ),
      );
  return [wrong, byAddress(result), byServer, byTier].filter(
      (one): one is HTMLElement => one !== false);
}

function byAddress(result: ClientResult): HTMLElement|false {
  const addresses = result.addresses ?? [];
  return addresses.length > 0 &&
      fold(
             "By address",
             h("p.note", {}, "The host has several, which take turns."),
             table(
                 "by-address",
                 "Requests by address",
                 [
                   {name: "address", cell: (a) => a.address, text: true},
                   {name: "connections", cell: (a) => num(a.connections, count)},
                   {name: "not made", cell: (a) => num(a.connect_failures, count)},
                   {name: "answers", cell: (a) => num(a.answers, count)},
                   {name: "errors", cell: (a) => num(a.failed + a.bad_status, count)},
                   {name: "service p50", cell: (a) => num(a.service_time.p50_us, micros)},
                   {name: "p99", cell: (a) => num(a.service_time.p99_us, micros)},
                 ],
                 addresses,
                 ),
      );
}

// What our own tiers mean; others are shown as they are named.
const TIERS: Record<string, string> = Object.assign(Object.create(null) as Record<string, string>, {
  app: "the server, in all",
  queue: "waiting for a thread of the server",
  service: "the server doing its work",
  work: "computing",
  delay: "waiting in the server",
  "gl-queue": "waiting for a slot in the coordinator",
  "gl-connect": "the coordinator connecting to a server",
  "gl-wait": "the coordinator waiting for the server's answer",
});

// --- the plan ---

export function planFacts(result: ClientResult): HTMLElement {
  const p = result.plan;
  const t = result.totals;
  const m = result.machine;
  const targets = p.targets ?? [];
  return facts([
    [
      "target",
      targets.length > 1 ? null : h("code", {}, `${p.method ? p.method + " " : ""}${p.url}`)
    ],
    [
      "targets",
      targets.length > 1 &&
          h("ul", {},
            targets.map(
                (one) =>
                    h("li", {}, h("code", {}, `${one.method ?? ""} ${one.url}`),
                      ` weight ${decimal(one.weight)}`))),
    ],
    ["loop", loopText(result)],
    [
      "stages",
      p.stages?.length ? list(p.stages.map((s) => `to ${rate(s.rate)} in ${seconds(s.for_s)}`)) :
                         null
    ],
    [
      "replay",
      p.replay ? `${p.replay.file}, ${plural(p.replay.requests ?? 0, "request")}, at ${
                     decimal(p.replay.speed ?? 1)} × its own speed` :
                 null
    ],
    [
      "connections",
      [num(p.connections, count), p.new_connection ? ", a new one for each request" : ""]
    ],
    ["threads", p.threads === undefined ? null : num(p.threads, count)],
    [
      "planned",
      [
        p.requests ? plural(p.requests, "request") : "", p.requests && p.duration_s ? ", " : "",
        p.duration_s ? seconds(p.duration_s) : ""
      ]
    ],
    ["warm-up", p.warmup_s ? seconds(p.warmup_s) : null],
    ["took", num(result.elapsed_s, seconds)],
    ["began", result.started_unix_s === undefined ? null : moment(result.started_unix_s)],
    ["body", p.body_bytes ? bytes(p.body_bytes) : null],
    ["message", p.message ? h("code", {}, p.message) : null],
    ["seed", p.seed === undefined ? null : h("code", {}, String(p.seed))],
    [
      "connections opened",
      t.connections === undefined ?
          null :
          [
            num(t.connections, count),
            t.connect_failures ? `, ${count(t.connect_failures)} could not be` : ""
          ]
    ],
    ["retried", t.retried ? num(t.retried, count) : null],
    [
      "bytes",
      t.bytes_in === undefined ? null :
                                 [num(t.bytes_out, bytes), " out, ", num(t.bytes_in, bytes), " in"]
    ],
    [
      "client's CPU",
      result.cpu_s === undefined ?
          null :
          [
            num(result.cpu_s, seconds),
            result.cpu_share === undefined ? "" :
                                             `, ${share(result.cpu_share)} of its threads' time`
          ]
    ],
    [
      "log",
      result.log ? `${plural(result.log.written, "record")}${
                       result.log.dropped ? `, ${count(result.log.dropped)} dropped` : ""}` :
                                            null
    ],
    [
      "client's machine",
      m ? [m.cpu, m.cores ? plural(m.cores, "core") : "", m.os].filter(Boolean).join(", ") : null
    ],
  ]);
}

function loopText(result: ClientResult): string {
  const p = result.plan;
  if (!isOpen(result))
    return `closed: ${plural(p.connections, "client")}, each asks again when it has its answer`;
  const how = {
    constant: "evenly spaced",
    poisson: "at random (Poisson)",
    replay: "as in the replayed log"
  }[p.arrivals ?? ""] ??
      p.arrivals;
  return `open: ${rate(p.rate)} due${how ? ", " + how : ""}, whatever the servers do`;
}
