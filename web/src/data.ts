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
  target?: {good: boolean; text: string; sentence: string};
  verdict?: {valid: boolean; judged?: boolean; text: string; reasons: string[]};
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
  addresses?: {
    address: string; connections: number; connect_failures: number; answers: number;
    bad_status: number;
    failed: number;
    service_time: Histogram
  }[];
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

// --- giliran-compare/1 ---

export type Curve = [number, number][];  // percentile, us

export interface ComparePoint {
  t_s: number;
  for_s: number;
  rate: number;
  errors: number;
  p50_us?: number;
  p99_us?: number;
}

export interface CompareSide {
  files?: string[];
  url?: string;
  loop?: string;
  answered?: number;
  rate?: number;
  errors_share?: number;
  intervals?: number;
  measured_s?: number;
  valid?: boolean;
  reasons?: string[];
  distribution?: {service_time?: Curve; response_time?: Curve};
  over_time?: ComparePoint[];
}

export interface CompareRow {
  metric: string;
  what: string;
  unit: string;
  a: number;
  b: number;
  change?: number;
  low?: number;
  high?: number;
  verdict: string;
  why?: string;
}

export interface CompareResult {
  format: "giliran-compare/1";
  version?: string;
  verdict: string;
  text: string;
  warnings?: string[];
  a: CompareSide;
  b: CompareSide;
  rows: CompareRow[];
  threshold?: number;
  errors_threshold?: number;
  confidence?: number;
  method?: {resamples?: number; seed?: number; text?: string};
}

// --- giliran-lab/2 ---

export interface Label {
  key: string;
  value: string;
}

export interface Expected {
  text: string;
  measured: string;
  met: boolean;
}

export interface Median {
  count: number;
  median: number;
  low?: number;
  high?: number;
  confidence?: number;
}

export interface LabProcess {
  name: string;
  role: string;
  starts?: number;
  ended?: string;
  user_s?: number;
  system_s?: number;
  memory_max_bytes?: number;
  us_per_request?: number;
  cpu_over_time?: [number, number][];
}

export interface LabRun {
  name: string;
  point?: number;
  repetition?: number;
  labels?: Label[];
  plan?: Record<string, string|number|boolean>;
  measured: {
    rate: number;
    elapsed_s?: number;
    issued?: number;
    answered?: number;
    errors?: number;
    p50_us?: number;
    p90_us?: number;
    p99_us?: number;
    p99_9_us?: number;
    service_p50_us?: number;
    service_p99_us?: number;
    verdict?: string;
  };
  processes?: LabProcess[];
  cpu?: {cores_busy?: number; others_busy?: number};
  marks?: Mark[];
  turns?: {
    servers?:
        Record<string, number>|{
          name: string;
          turns: number
        }[];
    without_server?: number;
    even?: boolean;
    judged?: boolean;
  };
  records?: number;
  not_understood?: number;
  conservation?: {conserved?: boolean; judged?: boolean; text?: string};
  little?: {holds: boolean; expected: number; measured: number; text?: string};
  expected?: Expected[];
  where_time_goes?: string;
  client?: ClientResult;
  commands?: string[];
}

export interface LabPoint {
  name: string;
  labels?: Label[];
  runs?: string[];
  rate?: Median;
  p50_us?: Median;
  p99_us?: Median;
  p99_9_us?: Median;
  service_p50_us?: Median;
  service_p99_us?: Median;
  errors?: Median;
  cpu_us?: Median;
}

export interface Scaling {
  of: string;
  name?: string;
  points: {threads: number; point?: string; rate: Median; speed_up?: number; efficiency?: number}[];
  usl?: {
    alpha: number; beta: number; gamma: number;
    r_squared?: number;
    peak?: {threads: number; rate: number; measured?: boolean};
  };
  words?: string;
}

export interface LabResult {
  format: "giliran-lab/2";
  version?: string;
  scenario: string;
  about?: string;
  look_for?: string;
  seed?: number;
  cores?: number;
  machine?: {cores?: number|string; cpu?: string; os?: string};
  started_unix_s?: number;
  elapsed_s?: number;
  finished?: boolean;
  interrupted?: boolean;
  failure?: string;
  last_words?: string|string[];
  exit_status?: number;
  verdict?: {word: string; text: string; good: boolean};
  telling?: string;
  planned?: string[];
  axes?: {key: string; values: string[]}[];
  repetitions?: number;
  runs: LabRun[];
  points?: LabPoint[];
  claims?: Expected[];
  speed_ups?: {one: string; many: string; speed_up: number; why?: string}[];
  scaling?: Scaling[];
}
