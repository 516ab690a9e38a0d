// Shows the JSON that the page carries, by its format.

import "uplot/dist/uPlot.min.css";
import "./plots.css";
import "./compare.css";
import "./page.css";

import {clientPage} from "./client";
import {comparePage} from "./compare";
import type {ClientResult, CompareResult, LabResult} from "./data";
import {type Child, h} from "./dom";
import {labPage} from "./lab";
import {isPrinting, onThemeChange} from "./theme";

interface View {
  kind: string;
  show: (data: never) => Child[];
}

const VIEWS = new Map<string, View>([
  ["giliran-lab/2", {kind: "lab", show: (data: LabResult) => labPage(data)}],
  ["giliran-compare/1", {kind: "compare", show: (data: CompareResult) => comparePage(data)}],
  ["giliran-client/2", {kind: "client", show: (data: ClientResult) => clientPage(data)}],
]);

function content(text: string): Child[] {
  let data: {format?: string; version?: string};
  try {
    data = JSON.parse(text) as typeof data;
  } catch (problem) {
    return [h("p.missed", {}, `The data of this page is no JSON: ${String(problem)}`)];
  }
  const view = VIEWS.get(data.format ?? "");
  if (!view)
    return [h("p.missed", {}, `This page cannot show the format ${JSON.stringify(data.format)}.`)];
  return [
    h("header", {}, h("p.brand", {}, "giliran ", h("span", {}, view.kind)),
      h("h1", {}, document.title)),
    ...view.show(data as never),
    footer(text, data.version),
  ];
}

function footer(text: string, version?: string): HTMLElement {
  const save = h("button.screen", {type: "button"}, "Save the numbers as JSON");
  save.addEventListener("click", () => {
    const href = URL.createObjectURL(new Blob([text], {type: "application/json"}));
    h("a", {href, download: "result.json"}).click();
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
  });
  return h(
      "footer", {},
      h("p", {},
        `giliran ${version ?? ""}. Everything shown is in this file; it asks nobody for anything.`),
      save);
}

function shown(children: Child[]): void {
  const page = document.getElementById("page");
  page?.replaceChildren(h("div.page", {}, ...children));
  document.documentElement.dataset.ready = "true";
}

/** Nobody can open on paper what is folded. */
function unfoldOnPaper(): void {
  for (const fold of document.querySelectorAll<HTMLDetailsElement>("details.fold")) {
    if (isPrinting()) {
      fold.dataset.was ??= fold.open ? "open" : "shut";
      fold.open = true;
    } else if (fold.dataset.was) {
      fold.open = fold.dataset.was === "open";
      delete fold.dataset.was;
    }
  }
}

onThemeChange(unfoldOnPaper);
shown(content(document.getElementById("data")?.textContent ?? ""));
