// What giliran writes (docs/formats/client_json.md, compare.md, lab_result.md), as far as pages
// show it.

export interface Histogram {
  count: number;
  min_us?: number;
  mean_us?: number;
  stddev_us?: number;
  max_us?: number;
  p50_us?: number;
  p75_us?: number;
  p90_us?: number;
  p99_us?: number;
  p99_9_us?: number;
  p99_99_us?: number;
  buckets?: [number, number, number][];  // lowest, highest, count
}

export interface Mark {
  t_s: number;
  text: string;
}

export interface Interval {
  t_s: number;
  for_s: number;
  warmup?: boolean;
  due: number;
  issued: number;
  answered: number;
  failed: number;
  bad_status: number;
  lag_max_us?: number;
  in_flight_max?: number;
  backlog_max?: number;
  service_time?: Histogram;
  response_time?: Histogram;
  servers?: Record<string, number>;
  tiers?: Record<string, number>;
}

export interface Target {
  method?: string;
  url: string;
  weight?: number;
  body_bytes?: number;
}

export interface Plan {
  url: string;
  protocol?: string;
  address?: string;
  loop?: "closed"|"open";
  connections: number;
  threads?: number;
  requests?: number;
  duration_s?: number;
  warmup_s?: number;
  rate?: number;
  arrivals?: string;
  stages?: {for_s: number; rate: number}[];
  targets?: Target[];
  replay?: {file: string; format?: string; requests?: number; unreadable?: number; speed?: number};
  method?: string;
  body_bytes?: number;
  message?: string;
  new_connection?: boolean;
  timeout_s?: number;
  seed?: number;
}

export interface ClientResult {
  format: "giliran-client/2";
  version?: string;
  machine?: {cores?: number; os?: string; cpu?: string};
  plan: Plan;
  started_unix_s?: number;
  elapsed_s: number;
  issuing_s?: number;
  rate: number;
  interrupted?: boolean;
  verdict?: {valid: boolean; text: string; reasons: string[]};
  totals: {
    due?: number; issued: number; answered: number; failed: number; bad_status: number;
    retried?: number;
    connections?: number;
    connect_failures?: number;
    bytes_out?: number;
    bytes_in?: number;
    body_bytes?: number;
  };
  statuses?: Record<string, number>;
  errors?: Record<string, number>;
  service_time: Histogram;
  response_time: Histogram;
  connect?: Histogram;
  lag?: Histogram;
  wait?: Histogram;
  servers?: {name: string; answers: number; bad_status: number; service_time: Histogram}[];
  tiers?: {
    name: string; count: number;
    mean_us?: number;
    p50_us?: number;
    p99_us?: number;
    max_us?: number
  }[];
  interval_s?: number;
  intervals?: Interval[];
  expected?: {text: string; measured: string; met: boolean}[];
  marks?: Mark[];
  cpu_s?: number;
  cpu_share?: number;
  log?: {written: number; dropped: number; write_errors: number};
}

/**
 * The histogram's value at 0 to 100, the highest of its bucket; undefined where there is nothing.
 */
export function percentile(of: Histogram, p: number): number|undefined {
  if (!of.buckets || of.count === 0) return undefined;
  const rank = Math.max(1, Math.ceil((p / 100) * of.count - 1e-9));
  let seen = 0;
  for (const [, high, n] of of .buckets) {
    seen += n;
    if (seen >= rank) return Math.min(high, of.max_us ?? high);
  }
  return of.max_us;
}
