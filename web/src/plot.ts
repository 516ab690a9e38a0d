// A figure: a title, what is seen in words, the plot, and its numbers as a table.

import "./sharp";

import uPlot from "uplot";

import type {Mark} from "./data";
import {type Child, type Column, h, table} from "./dom";
import {drawLasts, drawMarks, drawShade, type Last, marksHeight} from "./marks";
import {isPrinting, onThemeChange, type Palette, palette} from "./theme";

export type Values = (number|null)[];
export type Colour = (of: Palette) => string;

export interface Line {
  label: string;
  values: Values;
  colour: Colour;
  dash?: number[];
  width?: number;
  filled?: boolean;
  spanGaps?: boolean;
  dots?: boolean;    // a dot at every value
  second?: boolean;  // on the second axis, at the right
  line?: false;      // dots alone
  last?: string;     // a word beside its last value
  quiet?: boolean;   // not in the legend: another line stands for it there
}

export interface Axis {
  name?: string;
  /** Its name in the table, where the axis needs none. */
  heading?: string;
  /** The text of a value, in legend and table. */
  text: (value: number) => string;
  /** The text at the axis, where it is another. */
  tick?: (value: number) => string;
  log?: boolean;
  splits?: number[];
  range?: [number, number];
}

export interface Figure {
  id: string;
  title: string;
  note?: Child;
  x: number[];
  xAxis: Axis;
  yAxis: Axis;
  /** For the lines that say `second`. */
  secondAxis?: Axis;
  lines: Line[];
  /** Figures over the same time move together, and show what happened. */
  time?: {marks: Mark[]; shade?: [number, number]};
  height?: number;
  /** What a table shows that is no line. */
  columns?: {name: string; values: Values; text: (value: number) => string}[];
}

const DASHES = [undefined, [7, 3], [3, 3], [10, 3, 3, 3]];
const COLOURS = 8;

/** Of the i-th of several lines: told apart without colour, too, up to LINES_MAX. */
export function look(i: number): Pick<Line, "colour"|"dash"> {
  const dash = DASHES[(i + Math.floor(i / COLOURS)) % DASHES.length];
  return {colour: (p) => p.kinds[i % COLOURS], dash};
}

export const LINES_MAX = 12;

const HEIGHT = 170;
const PRINT_WIDTH = 660;
const LETTER = 6.6;  // about as wide as one is, on the average
const LINE = 14;     // of text
const FONT =
    "12px system-ui, -apple-system, \"Segoe UI\", Roboto, \"Helvetica Neue\", Arial, sans-serif";
const drawn = new Map<string, Drawn>();

/** For tests: the plots on the page by the id of their figure. */
Object.assign(window, {
  giliranPlots: () => Object.fromEntries([...drawn].map(([id, d]) => [id, d.plot])),
});

/** Lines without a value are in no legend. */
export function figure(all: Figure): HTMLElement {
  const of = {...all, lines: all.lines.filter((line) => line.values.some((v) => v !== null))};
  if (of.lines.length === 0) return empty(of);
  const room =
      h("div.plot",
        {role: "img", "aria-label": `Plot: ${of.title}. Its numbers are in the table below.`});
  const element = h(
      "figure",
      {id: of.id},
      h("figcaption", {}, h("h3", {}, of.title), of.note ? h("p.note", {}, of.note) : null),
      room,
      numbers(of),
  );
  drawn.get(of.id)?.end();
  drawn.set(of.id, new Drawn(of, room));
  return element;
}

function empty(of: Figure): HTMLElement {
  drawn.get(of.id)?.end();
  drawn.delete(of.id);
  const said = h("p.note", {}, "There is nothing to show: nothing was measured.");
  return h("figure", {id: of.id}, h("figcaption", {}, h("h3", {}, of.title), said));
}

/** Draws the plot of a figure anew, say with another axis. */
export function redraw(id: string, change: Partial<Figure>): void {
  drawn.get(id)?.change(change);
}

onThemeChange(() => {
  for (const one of drawn.values()) one.draw();
});

class Drawn {
  plot: uPlot|null = null;
  private readonly watch = new ResizeObserver(() => this.fit());

  constructor(
      private of: Figure,
      private readonly room: HTMLElement,
  ) {
    this.watch.observe(room);
  }

  /** Another figure takes the place of this one. */
  end(): void {
    this.watch.disconnect();
    this.plot?.destroy();
  }

  change(change: Partial<Figure>): void {
    this.of = {...this.of, ...change};
    this.draw();
  }

  private width(): number {
    return isPrinting() ? PRINT_WIDTH : Math.floor(this.room.clientWidth);
  }

  private fit(): void {
    if (this.width() === 0) return;
    if (this.plot === null)
      this.draw();
    else if (this.plot.width !== this.width())
      this.draw();
  }

  draw(): void {
    const width = this.width();
    if (width === 0) return;
    this.plot?.destroy();
    const {of} = this;
    this.plot =
        new uPlot(options(of, width), [of.x, ...of.lines.map((line) => line.values)], this.room);
  }
}

function options(of: Figure, width: number): uPlot.Options {
  const colours = palette();
  const marks = of.time?.marks ?? [];
  const top = marks.length > 0 ? marksHeight(marks, of.x, width) : 8;
  return {
    width,
    height: (of.height ?? HEIGHT) + (marks.length > 0 ? top : 0),
    padding: [top, 24, 0, 0],
    scales: {
      x: {time: false, ...scale(of.xAxis, of.x)},
      y: scale(of.yAxis),
      ...(of.secondAxis ? {y2: scale(of.secondAxis)} : {}),
    },
    axes: [
      axis(of.xAxis, colours, "x"),
      axis(of.yAxis, colours, "y"),
      ...(of.secondAxis ? [axis(of.secondAxis, colours, "y2")] : []),
    ],
    series: [
      {label: "at", value: (_, v) => (v === null ? "" : of.xAxis.text(v))},
      ...of.lines.map(
          (line) => series(line, (line.second ? of.secondAxis : of.yAxis) ?? of.yAxis, colours)),
    ],
    legend: {
      markers: {
        width: 2,
        dash: (_, i) => dashOf(of.lines[i - 1]),
      },
    },
    cursor: {
      y: false,
      points: {size: 7},
      drag: {x: true, y: false, dist: 8},
      ...(of.time ? {sync: {key: "time", setSeries: false, scales: ["x", null] as [string, null]}} :
                    {}),
    },
    hooks: {
      drawClear: [(u: uPlot) => drawShade(u, of.time?.shade, colours)],
      draw: [
        (u: uPlot) => drawMarks(u, marks, colours),
        (u: uPlot) => drawLasts(u, lasts(of, colours), colours),
      ],
    },
  };
}

function dashOf(line: Line|undefined): string {
  if (!line?.dash) return "solid";
  return line.dash[0] > 4 ? "dashed" : "dotted";
}

function lasts(of: Figure, colours: Palette): Last[] {
  return of.lines.flatMap(
      (line, i) =>
          line.last ? [{series: i + 1, word: line.last, colour: line.colour(colours)}] : []);
}

/** Along x, `of.range` is what is seen until somebody zooms. */
function scale(of: Axis, x?: number[]): uPlot.Scale {
  const distr = of.log ? 3 : 1;
  if (x) {
    const [first, last] = [x[0], x[x.length - 1]];
    const all: [number, number] =
        of.range ?? (first === last ? [first - 1, last + 1] : [first, last]);
    return {
      distr,
      range: (_, min, max) => (min === null || (min <= first && max >= last) ? all : [min, max])
    };
  }
  if (of.range) return {distr, range: () => of.range as [number, number]};
  if (of.log) return {distr};
  return {
    distr,
    range: (_, __, max) => uPlot.rangeNum(0, max > 0 ? max : 1, 0.08, true) as [number, number]
  };
}

const SIDES = {
  x: 2,
  y: 3,
  y2: 1
} as const;

function axis(of: Axis, colours: Palette, which: keyof typeof SIDES): uPlot.Axis {
  const tick = of.tick ?? of.text;
  const vertical = which !== "x";
  return {
    scale: which,
    side: SIDES[which],
    stroke: colours.dim,
    font: FONT,
    grid: {
      stroke: colours.grid,
      width: 1,
      show: which === "y" || (which === "x" && of.splits !== undefined)
    },
    ticks: {stroke: colours.grid, width: 1, size: 5},
    ...(of.splits ? {splits: of.splits, filter: (_: uPlot, all: number[]) => all} : {}),
    values: (u, values) => {
      const texts = values.map((v) => (v === null || v === undefined ? "" : tick(v)));
      return of.splits ? apart(texts, values.map((v) => u.valToPos(v, which)), vertical) : texts;
    },
    ...(vertical ? {
      size: (_, texts) => 14 + LETTER * Math.max(3, ...(texts ?? []).map((t) => t?.length ?? 0)),
      space: 26,
      ...(of.name ? {label: of.name, labelFont: FONT, labelSize: 18, labelGap: 0} : {}),
    } :
                   {
                     space: 56,
                     size: 30,
                     ...(of.name ? {label: of.name, labelFont: FONT, labelSize: 18, labelGap: 0} :
                                   {}),
                   }),
  };
}

/** Texts that would cover another one are left out; the last one always stays. */
function apart(texts: string[], at: number[], vertical: boolean): string[] {
  const room = (i: number) => (vertical ? LINE : texts[i].length * LETTER + LINE / 2) / 2;
  const clear = (i: number, k: number) => Math.abs(at[i] - at[k]) >= room(i) + room(k);
  const kept: number[] = [];
  for (let i = texts.length - 1; i >= 0; --i) {
    if (texts[i] !== "" && kept.every((k) => clear(i, k))) kept.push(i);
  }
  return texts.map((text, i) => (kept.includes(i) ? text : ""));
}

function series(line: Line, y: Axis, colours: Palette): uPlot.Series {
  const colour = line.colour(colours);
  return {
    label: line.label,
    ...(line.quiet              ? {class: "quiet"} :
            line.line === false ? {class: "dots"} :
                                  {}),
    scale: line.second ? "y2" : "y",
    stroke: colour,
    width: line.line === false ? 0 : (line.width ?? 1.75),
    spanGaps: line.spanGaps ?? false,
    ...(line.dash ? {dash: line.dash} : {}),
    ...(line.filled ? {fill: colour + "2e"} : {}),
    points: {
      show: (u, i) => dotted(line, u.data[i] as Values).length > 0,
      filter: (u, i) => dotted(line, u.data[i] as Values),
      size: line.dots ? 7 : 5,
      fill: colour,
      stroke: colour,
      width: 1,
      space: 0,
    },
    value: (_, v) => (v === null || v === undefined ? "" : y.text(v)),
  };
}

/**
   Where a line has a dot: everywhere if it says so; else where a value stands alone, since a line
   of one value could not be seen.
 */
function dotted(line: Line, values: Values): number[] {
  const all = [...values.keys()].filter((i) => values[i] !== null);
  if (line.dots) return all;
  if (line.spanGaps) return all.length === 1 ? all : [];
  return all.filter((i) => (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null);
}

// --- the numbers ---

function numbers(of: Figure): HTMLElement {
  const details = h("details.numbers", {}, h("summary", {}, "Numbers"));
  details.addEventListener(
      "toggle", () => details.childElementCount === 1 && details.append(numberTable(of)), {
        once: false,
      });
  return details;
}

function numberTable(of: Figure): HTMLElement {
  const cell = (value: number|null|undefined, text: (v: number) => string) =>
      value === null || value === undefined ? "–" : h("data", {value}, text(value));
  const columns: Column<number>[] = [
    {name: of.xAxis.heading ?? of.xAxis.name ?? "", cell: (i) => cell(of.x[i], of.xAxis.text)},
    ...of.lines.map(
        (line) => ({name: line.label, cell: (i: number) => cell(line.values[i], of.yAxis.text)})),
    ...(of.columns ?? [])
        .map((c) => ({name: c.name, cell: (i: number) => cell(c.values[i], c.text)})),
  ];
  return table(`${of.id}-numbers`, `Numbers of the plot: ${of.title}`, columns, [...of.x.keys()]);
}
