// Colours of the plots: for people with any colour vision, on light and dark ground. Print is
// light.

export interface Palette {
  ink: string;
  dim: string;
  grid: string;
  ground: string;
  shade: string;  // of the warm-up
  mark: string;
  ordered:
      string[];     // p50, p90, p99, p99.9: darker (or lighter) is further out, the tail stands out
  kinds: string[];  // Okabe and Ito, made legible on the ground
  good: string;
  bad: string;
}

const LIGHT: Palette = {
  ink: "#1d2733",
  dim: "#566372",
  grid: "#e4e8ed",
  ground: "#ffffff",
  shade: "rgba(86, 99, 114, 0.10)",
  mark: "#7a3b8f",
  ordered: ["#5f97d3", "#2f6db5", "#173f78", "#d55e00"],
  kinds: ["#0072b2", "#d55e00", "#009e73", "#b8588f", "#b07a00", "#3a9bd4", "#6b6b00", "#566372"],
  good: "#0072b2",
  bad: "#d55e00",
};

const DARK: Palette = {
  ink: "#e3e8ee",
  dim: "#9aa7b5",
  grid: "#2b333d",
  ground: "#161b22",
  shade: "rgba(154, 167, 181, 0.14)",
  mark: "#cf9fe0",
  ordered: ["#4d7fb8", "#7db2ea", "#cfe3fa", "#ff9a4a"],
  kinds: ["#5ab0ec", "#ff9a4a", "#3fcf9f", "#e79cc6", "#e8bd4a", "#9fd3f5", "#c6c24a", "#9aa7b5"],
  good: "#5ab0ec",
  bad: "#ff9a4a",
};

const dark = matchMedia("(prefers-color-scheme: dark)");
const print = matchMedia("print");
let printing = print.matches;
const listeners: (() => void)[] = [];

export function palette(): Palette {
  return dark.matches && !printing ? DARK : LIGHT;
}

export function isPrinting(): boolean {
  return printing;
}

/** Calls back whenever the colours or the paper change. */
export function onThemeChange(listener: () => void): void {
  listeners.push(listener);
}

function changed(now: boolean): void {
  printing = now;
  for (const listener of listeners) listener();
}

dark.addEventListener("change", () => changed(printing));
print.addEventListener("change", () => print.matches !== printing && changed(print.matches));
addEventListener("beforeprint", () => changed(true));
addEventListener("afterprint", () => changed(false));
