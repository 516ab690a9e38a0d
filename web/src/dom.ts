// Elements from names, attributes and children. Texts become text nodes, never markup.

export type Child = Node|string|null|undefined|false|Child[];
type Attributes = Record<string, string|number|boolean|undefined>;

// Names and errors may hold what others chose: marks that turn the text around them, or hide
// themselves, are '?' here as in the terminal (base::is_hidden).
const HIDDEN = new RegExp(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u200b-\\u200f\\u2028-\\u202e" +
        "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]|\\udb40[\\udc00-\\udfff]",
    "g");

function shown(text: string): string {
  return text.replace(HIDDEN, "?");
}

function append(to: Element, child: Child): void {
  if (Array.isArray(child)) {
    for (const one of child) append(to, one);
  } else if (typeof child === "string") {
    to.append(shown(child));
  } else if (child instanceof Node) {
    to.append(child);
  }
}

/** h("p.note", {id: "a"}, "text", h("b", {}, "more")) */
export function h(what: string, attributes: Attributes = {}, ...children: Child[]): HTMLElement {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true)
      element.setAttribute(name, "");
    else if (value !== undefined && value !== false)
      element.setAttribute(name, shown(String(value)));
  }
  append(element, children);
  return element;
}

/**
 * A number as people read it, with the exact one for programs: <data value="1234.5">1.23 ms</data>
 */
export function num(value: number|undefined, text: (value: number) => string): HTMLElement {
  if (value === undefined || value === null || Number.isNaN(value)) return h("span.none", {}, "–");
  return h("data", {value, title: exact(value)}, text(value));
}

function exact(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString("en-US") : String(value);
}

export interface Column<Row> {
  name: string;
  cell: (row: Row) => Child;
  text?: boolean;  // left-aligned; numbers are not
}

/** What is shown once it is asked for; on paper always. */
export function fold(title: string, ...children: Child[]): HTMLElement {
  return h("details.fold", {}, h("summary", {}, title), children);
}

/** What may be wider than its place, with a word that there is more as long as there is. */
function scrolling(caption: string, inner: HTMLElement): HTMLElement {
  const room = h("div.scroll", {tabindex: 0, role: "region", "aria-label": caption}, inner);
  const whole = h("div.wide", {}, room, h("p.more.swipe", {"aria-hidden": "true"}, "more \u2192"));
  const look = () => {
    const left = room.scrollWidth - room.clientWidth - room.scrollLeft;
    whole.classList.toggle("goes-on", left > 1);
    whole.classList.toggle("went-on", room.scrollLeft > 1);
  };
  room.addEventListener("scroll", look, {passive: true});
  new ResizeObserver(look).observe(room);
  return whole;
}

/** A table whose first column heads its rows. It scrolls sideways where it is too wide. */
export function table<Row>(id: string, caption: string, columns: Column<Row>[], rows: Row[]) {
  const head = columns.map((c) => h(c.text ? "th.text" : "th", {scope: "col"}, c.name));
  const body = rows.map(
      (row) => h(
          "tr",
          {},
          columns.map(
              (c, i) =>
                  h((i === 0 ? "th" : "td") + (c.text ? ".text" : ""), {scope: i === 0 && "row"},
                    c.cell(row)),
              ),
          ),
  );
  return scrolling(
      caption,
      h(
          "table",
          {id},
          h("caption.hidden", {}, caption),
          h("thead", {}, h("tr", {}, head)),
          h("tbody", {}, body),
          ),
  );
}

export function section(id: string, title: string, ...children: Child[]): HTMLElement {
  return h(
      "section", {id, "aria-labelledby": `${id}-title`}, h("h2", {id: `${id}-title`}, title),
      children);
}

/** Pairs of a word and what is said of it. Pairs without a second are left out. */
export function facts(pairs: [string, Child][]): HTMLElement {
  const said =
      pairs.filter(([, value]) => value !== undefined && value !== null && value !== false);
  return h(
      "dl.facts", {},
      said.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}
