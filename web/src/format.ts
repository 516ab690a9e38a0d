// Numbers as people read them: three significant digits, and a unit.

const NONE = "–";
const NARROW = "\u202f";  // a narrow space that does not break

function three(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude === 0) return "0";
  if (magnitude >= 1e15) return value.toExponential(2);
  if (magnitude >= 99.95) return Math.round(value).toLocaleString("en-US");
  if (magnitude < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/** Microseconds: "12.3 ms". */
export function micros(us: number|null|undefined): string {
  if (us === null || us === undefined) return NONE;
  const magnitude = Math.abs(us);
  if (magnitude === 0) return "0";
  if (magnitude < 0.9995) return three(us * 1e3) + NARROW + "ns";
  if (magnitude < 999.5) return three(us) + NARROW + "µs";
  if (magnitude < 999_500) return three(us / 1e3) + NARROW + "ms";
  return seconds(us / 1e6);
}

export function seconds(s: number|null|undefined): string {
  if (s === null || s === undefined) return NONE;
  if (Math.abs(s) < 0.9995) return micros(s * 1e6);
  if (Math.abs(s) < 119.95) return three(s) + NARROW + "s";
  const whole = Math.round(s);
  if (whole < 7200) {
    return Math.floor(whole / 60) + NARROW + "min" +
        (whole % 60 ? " " + (whole % 60) + NARROW + "s" : "");
  }
  const minutes = Math.round(s / 60);
  return Math.floor(minutes / 60) + NARROW + "h " + (minutes % 60) + NARROW + "min";
}

export function count(n: number|null|undefined): string {
  if (n === null || n === undefined) return NONE;
  return Math.round(n).toLocaleString("en-US");
}

/** Things a second: "15,020/s". */
export function rate(n: number|null|undefined): string {
  if (n === null || n === undefined) return NONE;
  return three(n) + "/s";
}

/** Of 1: "0.02 %". */
export function share(part: number|null|undefined): string {
  if (part === null || part === undefined || Number.isNaN(part)) return NONE;
  return three(part * 100) + NARROW + "%";
}

/** A change: "+3.2 %", "−12 %". */
export function signedShare(part: number): string {
  const text = share(Math.abs(part));
  return (part > 0 ? "+" : part < 0 ? "\u2212" : "") + text;
}

export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (n >= 1024 && at + 1 < units.length) {
    n /= 1024;
    at += 1;
  }
  return three(n) + NARROW + units[at];
}

/** For axes: "20k", "1.5M". */
export function short(n: number): string {
  if (Math.abs(n) >= 1e6) return three(n / 1e6) + "M";
  if (Math.abs(n) >= 1e3) return three(n / 1e3) + "k";
  return three(n);
}

export function decimal(n: number|null|undefined): string {
  return n === null || n === undefined ? NONE : three(n);
}

/** Of 100: "p99.9". */
export function percentileName(p: number): string {
  return "p" + String(Number(p.toPrecision(8)));
}

/** Wall clock, as where the page is read: "2026-11-22 08:15:02". */
export function moment(unix_s: number): string {
  const t = new Date(unix_s * 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  return (
      `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ` +
      `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`);
}

export function plural(n: number, one: string, many = one + "s"): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

export function list(words: string[]): string {
  if (words.length < 2) return words.join("");
  return words.slice(0, -1).join(", ") + " and " + words[words.length - 1];
}
