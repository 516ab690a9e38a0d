// A figure: a title, what is seen in words, the plot, and its numbers as a table.

import "./sharp";

import uPlot from "uplot";

import type {Mark} from "./data";
import {type Child, type Column, h, table} from "./dom";
import {drawMarks, drawShade, marksHeight} from "./marks";
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
  dots?: boolean;  // measured points without a line
}

export interface Axis {
  name?: string;
  /** Its name in the legend, where that is another. */
  short?: string;
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
  lines: Line[];
  /** Figures over the same time move together, and show what happened. */
  time?: {marks: Mark[]; shade?: [number, number]};
  height?: number;
  /** What a table shows that is no line. */
  columns?: {name: string; values: Values; text: (value: number) => string}[];
}

const HEIGHT = 230;
const PRINT_WIDTH = 660;
const FONT =
    "12px system-ui, -apple-system, \"Segoe UI\", Roboto, \"Helvetica Neue\", Arial, sans-serif";
const drawn = new Map<string, Drawn>();

/** For tests: the plots on the page by the id of their figure. */
Object.assign(window, {
  giliranPlots: () => Object.fromEntries([...drawn].map(([id, d]) => [id, d.plot])),
});

export function figure(of: Figure): HTMLElement {
  if (!of.lines.some((line) => line.values.some((v) => v !== null))) return empty(of);
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
    },
    axes: [axis(of.xAxis, colours, false), axis(of.yAxis, colours, true)],
    series: [
      {
        label: of.xAxis.short ?? of.xAxis.name ?? "",
        value: (_, v) => (v === null ? "" : of.xAxis.text(v))
      },
      ...of.lines.map((line) => series(line, of.yAxis, colours)),
    ],
    legend: {
      markers: {
        width: 2,
        fill: (u, i) =>
            (of.lines[i - 1]?.dots ? String(u.series[i].points?.fill ?? "") : "transparent"),
        dash: (_, i) => (of.lines[i - 1]?.dash ? "dashed" : "solid"),
      },
    },
    cursor: {
      y: false,
      points: {size: 7},
      drag: {x: true, y: false, dist: 8},
      ...(of.time ? {sync: {key: "time", setSeries: false, scales: ["x", null] as [string, null]}} :
                    {}),
    },
    hooks: of.time ? {
      drawClear: [(u: uPlot) => drawShade(u, of.time?.shade, colours)],
      draw: [(u: uPlot) => drawMarks(u, marks, colours)],
    } :
                     {},
  };
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

function axis(of: Axis, colours: Palette, vertical: boolean): uPlot.Axis {
  const tick = of.tick ?? of.text;
  return {
    stroke: colours.dim,
    font: FONT,
    grid: {stroke: colours.grid, width: 1, show: vertical || of.splits !== undefined},
    ticks: {stroke: colours.grid, width: 1, size: 5},
    ...(of.splits ? {splits: of.splits, filter: (_: uPlot, all: number[]) => all} : {}),
    values: (_, values) => values.map((v) => (v === null || v === undefined ? "" : tick(v))),
    ...(vertical ? {
      size: (_, texts) => 14 + 6.6 * Math.max(3, ...(texts ?? []).map((t) => t?.length ?? 0)),
      space: 28
    } :
                   {
                     space: 64,
                     size: 32,
                     ...(of.name ? {label: of.name, labelFont: FONT, labelSize: 20, labelGap: 2} :
                                   {})
                   }),
  };
}

function series(line: Line, y: Axis, colours: Palette): uPlot.Series {
  const colour = line.colour(colours);
  return {
    label: line.label,
    stroke: colour,
    width: line.dots ? 0 : (line.width ?? 1.75),
    spanGaps: line.spanGaps ?? false,
    ...(line.dash ? {dash: line.dash} : {}),
    ...(line.filled ? {fill: colour + "2e"} : {}),
    points: line.dots ? {show: true, size: 7, fill: colour, stroke: colour, width: 1, space: 0} :
                        {show: (u) => u.data[0].length < 3, size: 5, fill: colour},
    value: (_, v) => (v === null || v === undefined ? "–" : y.text(v)),
  };
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
    {name: of.xAxis.name ?? "", cell: (i) => cell(of.x[i], of.xAxis.text)},
    ...of.lines.map(
        (line) => ({name: line.label, cell: (i: number) => cell(line.values[i], of.yAxis.text)})),
    ...(of.columns ?? [])
        .map((c) => ({name: c.name, cell: (i: number) => cell(c.values[i], c.text)})),
  ];
  return table(`${of.id}-numbers`, `Numbers of the plot: ${of.title}`, columns, [...of.x.keys()]);
}
