// What the centre sends on /live and /api, one interface per message type.

export interface Frame {
  x0: number;
  y0: number;
  lon0: number;
  lon_x: number;
  lon_y: number;
  lat0: number;
  lat_x: number;
  lat_y: number;
}

export interface Site {
  title: string;
  frame: Frame;
}

export interface Objects {
  type: "objects";
  at_ms: number;
  validity: string;
  id: number[];
  class: number[];
  x: number[];
  y: number[];
  yaw: number[];
  speed: number[];
  length: number[];
  width: number[];
  age: number[];
  coasted: number[];
  deviation: number[];
  ellipse: number[];
  lane: string[];
}

export interface Group {
  group: string;
  colour: string;
  countdown_s: number | null;
  committed: boolean;
}

export interface Signal {
  intersection: string;
  age_s: number;
  validity: string;
  mode: string;
  authority: string;
  stage: string;
  next_stage: string;
  in_transition: boolean;
  faults: string[];
  groups: Group[];
}

export interface Signals {
  type: "signals";
  signals: Signal[];
}

export interface WarnedUser {
  id: number;
  class: number;
  path: [number, number][];
  enters_in_s: number | null;
}

export interface Warning {
  id: string;
  kind: string;
  level: string;
  raised_ms: number;
  ttc_s: number | null;
  probability: number;
  intersection: string;
  users: WarnedUser[];
  meeting: [number, number] | null;
  advice: string;
  why: string;
  confidence: number | null;
  doubts: string[];
}

export interface Warnings {
  type: "warnings";
  warnings: Warning[];
}

export interface ProcessRow {
  source: string;
  state: string;
  restarts: number;
  silent_s: number | null;
  uptime_s?: number;
  step_p95_ms?: number;
  cpu_cores?: number;
  memory_mb?: number;
  faults?: string[];
  stale?: string[];
  refused?: number;
}

export interface Processes {
  type: "processes";
  processes: ProcessRow[];
}

export interface Figures {
  type: "figures";
  road_users: number;
  delay_s: number | null;
  stops_per_vehicle: number | null;
  vehicles_served: number;
  longest_wait_s: number | null;
  pedestrians_waiting: number | null;
  queue: number | null;
  warnings_imminent: number;
  warnings_informative: number;
  decisions: Record<string, string>;
}

export interface EventRow {
  type: "event";
  at_ms: number;
  kind: string;
  severity: string;
  subject: string;
  text: string;
}

export interface Picture {
  type: "picture";
  key: string;
  site: string;
  camera: string;
  at_ms: number;
  width: number;
  height: number;
  is_coarsened: boolean;
  boxes: [number, number, number, number, number, number][];
}

export interface RangeRow {
  from_m: number;
  to_m: number;
  expected: number;
  found_share: number | null;
  residual_p50_m: number | null;
  residual_p95_m: number | null;
}

export interface SensorRow {
  sensor: string;
  kind: string;
  state: string;
  reason: string;
  rate_hz: number | null;
  latency_p50_ms: number | null;
  latency_p95_ms: number | null;
  clock_offset_s: number | null;
  azimuth_offset_deg: number | null;
  found_share: number | null;
  ranges: RangeRow[];
  mounting: { is_sure: boolean; has_moved: boolean; azimuth_deg: number; pitch_deg: number; roll_deg: number } | null;
}

export interface Sensors {
  type: "sensors";
  site: string;
  at_ms: number;
  sensors: SensorRow[];
}

export interface NearMiss {
  kind: string;
  at_ms: number;
  x_m: number;
  y_m: number;
  intersection: string;
  first_class: string;
  second_class: string;
  first_speed_mps: number;
  second_speed_mps: number;
  post_encroachment_s: number | null;
  time_to_collision_s: number | null;
  required_braking_mps2: number | null;
  severity: number;
}

export interface NearPlace {
  x_m: number;
  y_m: number;
  intersection: string;
  count: number;
  severity: number;
  by_kind: Record<string, number>;
}

export interface NearMisses {
  counts: {
    total: number;
    serious: number;
    by_kind: Record<string, number>;
    by_intersection: Record<string, number>;
    places: NearPlace[];
  };
  is_cut: boolean;
  near_misses: NearMiss[];
}

export type Update = Picture | Sensors | Objects | Signals | Warnings | Processes | Figures | EventRow;
