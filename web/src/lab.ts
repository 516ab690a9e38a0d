// The page of `giliran lab`: what came out, point by point, and each run to look into.

import {expectations} from "./client_tables";
import type {LabResult} from "./data";
import {type Child, facts, h, num, section} from "./dom";
import {count, decimal, moment, plural, seconds} from "./format";
import {points} from "./lab_points";
import {runs} from "./lab_run";
import {threads} from "./lab_scaling";

export function labPage(result: LabResult): Child[] {
  return [
    verdict(result),
    threads(result),
    ...points(result),
    ...runs(result),
    plan(result),
  ];
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Thresholds of all runs, each with the run it is of. */
function missedByRuns(result: LabResult): string[] {
  return result.runs.flatMap(
      (run) => (run.expected ?? [])
                   .filter((e) => !e.met)
                   .map((e) => `${run.name}: ${e.text}, measured ${e.measured}`));
}

/** The word and its reasons are the program's: page, screen and JSON say the same. */
function verdict(result: LabResult): HTMLElement {
  const planned = result.planned?.length ?? result.runs.length;
  const missed = missedByRuns(result);
  const {word = "", text = "", good = false} = result.verdict ?? {};
  const last = [result.last_words ?? []].flat().join("\n");
  return h(
      `section.verdict.${good ? "good" : "bad"}`,
      {id: "verdict", "aria-label": "Verdict"},
      h("p.judgement", {}, h("span.badge", {}, word), " ", sentence(result.about ?? "")),
      text ? h(good ? "p" : "p.missed", {id: "why"}, text) : null,
      last ? h("pre", {}, last) : null,
      lookFor(result),
      h("p", {}, `${count(result.runs.length)} of ${plural(planned, "run")} finished`,
        result.elapsed_s === undefined ? "." : ` in ${seconds(result.elapsed_s)}.`, " ",
        accounts(result)),
      missed.length > 0 ? h("ul", {}, missed.map((m) => h("li", {}, m))) : null,
      claims(result),
  );
}

/** A line that ends with a sentence ends a paragraph, as on the screen. */
function lookFor(result: LabResult): Child {
  const paragraphs = (result.look_for ?? "").split(/(?<=[.:!?])\n|\n\s*\n/);
  return paragraphs.filter((text) => text.trim()).map((text) => h("p.look", {}, text));
}

/** What the logs and Little's law say of all runs. */
function accounts(result: LabResult): string {
  const lost = result.runs.filter(
      (r) => r.conservation?.conserved === false && r.conservation.judged !== false);
  const killed = result.runs.filter((r) => r.conservation?.judged === false);
  const odd = result.runs.filter((r) => r.little?.holds === false);
  const uneven = result.runs.filter((r) => r.turns?.judged && r.turns.even === false);
  const names = (of: {name: string}[]) => of.map((r) => r.name).join(", ");
  return [
    lost.length ? `The logs do not account for every request in ${names(lost)}.` :
        killed.length ? `The logs account for every request, but for the last records of the ` +
            `servers that were killed in ${names(killed)}.` :
                        "The logs account for every request.",
    odd.length ? `Little's law does not hold in ${names(odd)}.` :
        result.runs.some((r) => r.little) ? "Little's law holds." :
                                            "",
    uneven.length ? `Turns were not even in ${names(uneven)}.` : "",
  ].filter(Boolean)
      .join(" ");
}

function claims(result: LabResult): Child {
  const all = result.claims ?? [];
  return all.length > 0 && h("div", {id: "claims"}, expectations(all));
}

function plan(result: LabResult): HTMLElement {
  const m = result.machine;
  return section(
      "plan", "The lab", facts([
        ["scenario", result.scenario],
        [
          "varied",
          (result.axes ?? []).length > 0 &&
              (result.axes ??
               []).map((a) => h("div", {}, h("code", {}, a.key), ": ", a.values.join(", "))),
        ],
        ["repetitions", result.repetitions === undefined ? null : num(result.repetitions, count)],
        ["seed", result.seed === undefined ? null : h("code", {}, String(result.seed))],
        ["began", result.started_unix_s === undefined ? null : moment(result.started_unix_s)],
        ["took", result.elapsed_s === undefined ? null : num(result.elapsed_s, seconds)],
        ["cores", result.cores === undefined ? null : num(result.cores, decimal)],
        ["machine", m ? [m.cpu, m.os].filter(Boolean).join(", ") : null],
      ]));
}
