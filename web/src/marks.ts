// What happened, as labelled vertical lines; and a shaded stretch of time.

import type uPlot from "uplot";

import type {Mark} from "./data";
import type {Palette} from "./theme";

const ROW = 16;  // of labels, above the plot
const ROWS_MAX = 4;
const GAP = 8;
const LETTER = 6.2;  // about as wide as one is, on the average
const LETTERS_MAX = 42;
const FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif";

function label(text: string): string {
  return text.length > LETTERS_MAX ? text.slice(0, LETTERS_MAX - 1) + "…" : text;
}

interface Placed {
  text: string;
  at: number;    // where the line is
  left: number;  // where the text begins
  row: number;   // -1: no room for the text
}

/** Puts texts into rows so that none covers another: [at, text] in order, within 0 to width. */
function place(
    marks: {at: number; text: string}[], width: number, measure: (text: string) => number) {
  const free: number[] = new Array(ROWS_MAX).fill(-Infinity);
  return marks.map(({at, text}): Placed => {
    const wide = measure(text);
    const left = Math.max(0, Math.min(at, width - wide));
    const row = free.findIndex((until) => until <= left);
    if (row >= 0) free[row] = left + wide + GAP;
    return {text, at, left, row};
  });
}

/** How much room the labels need above a plot that is so wide, axes included. */
export function marksHeight(marks: Mark[], x: number[], width: number): number {
  const inner = Math.max(100, width - 80);
  const [from, to] = [x[0] ?? 0, x[x.length - 1] ?? 1];
  const placed = place(
      marks.map((m) => ({at: ((m.t_s - from) / (to - from || 1)) * inner, text: label(m.text)})),
      inner,
      (text) => text.length * LETTER + 8,
  );
  return (Math.max(...placed.map((p) => p.row)) + 1) * ROW + 6;
}

export function drawMarks(u: uPlot, marks: Mark[], colours: Palette): void {
  if (marks.length === 0) return;
  const {ctx} = u;
  const {left, top, width, height} = u.bbox;
  const dots = u.bbox.width / Math.max(1, u.over.clientWidth);  // a pixel
  const {min, max} = u.scales.x;
  const seen = marks.filter((m) => m.t_s >= (min ?? -Infinity) && m.t_s <= (max ?? Infinity));
  ctx.save();
  ctx.font = FONT.replace(/^(\d+)px/, (_, size: string) => `${Number(size) * dots}px`);
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.lineWidth = dots;
  const placed = place(
      seen.map((m) => ({at: (u.valToPos(m.t_s, "x", true) - left) / dots, text: label(m.text)})),
      width / dots,
      (text) => ctx.measureText(text).width / dots + 8,
  );
  const middle = (p: Placed) => (p.row < 0 ? top : top - ((p.row + 0.5) * ROW + 3) * dots);
  ctx.strokeStyle = colours.mark;
  ctx.setLineDash([4 * dots, 3 * dots]);
  for (const p of placed) {
    const x = left + p.at * dots;
    ctx.beginPath();
    ctx.moveTo(x, p.row < 0 ? top : middle(p) - (ROW / 2 - 2) * dots);
    ctx.lineTo(x, top + height);
    ctx.stroke();
  }
  // Over the lines of others, on their own ground, so that they can be read.
  for (const p of placed.filter((one) => one.row >= 0)) {
    const x = left + p.left * dots + (p.left === p.at ? dots : 0);
    const wide = ctx.measureText(p.text).width + 6 * dots;
    ctx.fillStyle = colours.ground;
    ctx.fillRect(x, middle(p) - (ROW / 2 - 1) * dots, wide, (ROW - 2) * dots);
    ctx.fillStyle = colours.mark;
    ctx.fillText(p.text, x + 3 * dots, middle(p));
  }
  ctx.restore();
}

/** A word beside the last value of a series. */
export interface Last {
  series: number;  // of the plot, from 1
  word: string;
  colour: string;
}

/** Each where it covers no other. */
export function drawLasts(u: uPlot, lasts: Last[], colours: Palette): void {
  const {ctx} = u;
  const dots = u.bbox.width / Math.max(1, u.over.clientWidth);
  const high = 14 * dots;
  const drawn: {left: number; right: number; y: number}[] = [];
  ctx.save();
  ctx.font = FONT.replace(/^(\d+)px/, (_, size: string) => `${Number(size) * dots}px`);
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const last of lasts) {
    const values = u.data[last.series];
    let at = values.length - 1;
    while (at >= 0 && (values[at] ?? null) === null) at -= 1;
    if (at < 0) continue;
    const right = u.valToPos(u.data[0][at], "x", true) - 8 * dots;
    const left = right - ctx.measureText(last.word).width;
    let y = u.valToPos(values[at] as number, u.series[last.series].scale ?? "y", true) - high / 2;
    const covers = () =>
        drawn.some((d) => left < d.right && d.left < right && Math.abs(d.y - y) < high);
    while (covers()) y += dots;
    drawn.push({left, right, y});
    ctx.fillStyle = colours.ground;
    ctx.fillRect(left - 2 * dots, y - high / 2, right - left + 4 * dots, high);
    ctx.fillStyle = last.colour;
    ctx.fillText(last.word, right, y);
  }
  ctx.restore();
}

export function drawShade(u: uPlot, shade: [number, number]|undefined, colours: Palette): void {
  if (!shade) return;
  const {ctx} = u;
  const {left, top, width, height} = u.bbox;
  const from = Math.max(left, u.valToPos(shade[0], "x", true));
  const to = Math.min(left + width, u.valToPos(shade[1], "x", true));
  if (to <= from) return;
  ctx.save();
  ctx.fillStyle = colours.shade;
  ctx.fillRect(from, top, to - from, height);
  ctx.restore();
}
