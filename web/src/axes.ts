// Axes: what they show, and where they have their marks.

import {micros} from "./format";
import type {Axis, Values} from "./plot";

/**
   A logarithmic axis that shows all of these from `floor` on, in steps of 1, 2, 5; a linear one
    where nothing is above 0.
 */
export function logAxis(values: Values[], texts: Pick<Axis, "text"|"tick">, floor = 0): Axis {
  const some = values.flatMap((v) => v.filter((one): one is number => one !== null && one > 0));
  if (some.length === 0) return texts;
  let low = Infinity;
  let high = 0;
  for (const one of some) {
    low = Math.min(low, one);
    high = Math.max(high, one);
  }
  low = Math.min(Math.max(low, floor), high);
  const [from, to] = [low / 1.05, high * 1.05];
  const steps = [[1, 2, 5], [1, 1.5, 2, 3, 4, 5, 6, 8]]
                    .map((of) => stepsBetween(of, from, to))
                    .find((some) => some.length > 3) ??
      stepsBetween([1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9], from, to);
  return {
    ...texts,
    log: true,
    splits: steps.length > 10 ? steps.filter(isDecade) : steps,
    range: [steps[0], steps[steps.length - 1]],
  };
}

/** Of durations, in microseconds. */
export function durationAxis(values: Values[], log: boolean, floor = 0): Axis {
  const texts = {text: micros, tick: micros};
  return log ? logAxis(values, texts, floor) : texts;
}

function isDecade(v: number): boolean {
  return Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-9;
}

/** These steps of every decade, from the last one below `low` to the first above `high`. */
function stepsBetween(steps: number[], low: number, high: number): number[] {
  const all: number[] = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); ++e) {
    for (const m of steps) all.push(Number((m * 10 ** e).toPrecision(2)));
  }
  const first = Math.max(0, all.findIndex((v) => v > low) - 1);
  return all.slice(first, all.findIndex((v) => v >= high) + 1);
}
