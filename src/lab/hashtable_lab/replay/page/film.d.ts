/** A film, as docs/replay-format.md describes it. */

/** File and line. */
export type Place = [file: string, line: number];
/** Bucket, hash, key, value: the last two are objects. */
export type Pair = [bucket: number, hash: string | null, key: number, value: number];

export type Change =
  | ["born", number]
  | ["count", number, number | "immortal"]
  | ["unfollowed", number]
  | ["gone", number]
  | ["freed", number]
  | ["push", number, number, string]
  | ["pop", number]
  | ["name", number, string, number | null]
  | ["items", number, [string, number][], number]
  | ["enter", number, number, string, number[]]
  | ["leave", number]
  | ["hand", number, number, 1 | -1, Place | null]
  | ["lend", number, number]
  | ["field", number, number | null, number | null]
  | ["exchange fields", number, number]
  | ["entry", number, number, 1 | -1]
  | ["exchange entries", number, number]
  | ["walk", number, number, string, number]
  | ["passed", number, number]
  | ["candidate", number, number]
  | ["end", number]
  | ["entry at", number, number, Pair, boolean]
  | ["hole", number, number, number]
  | ["rebuilt", number, number, number, (Pair | null)[]]
  | ["no table", number]
  | ["lost", number, number, number]
  | ["owed", number, number, number];

export interface Step {
  kind: "line" | "call" | "return" | "exception" | "enter" | "leave" | "event" | "said" | "table" | "finding" | "end" | "crash";
  changes: Change[];
  thread?: number;
  line?: number;
  frame?: number;
  function?: string;
  object?: number;
  arguments?: number[];
  raised?: string;
  output?: number;
  event?: "incref" | "decref" | "new" | "returned" | "stolen" | "stored" | "taken" | "borrowed";
  place?: Place;
  layer?: string;
  said?: string;
  table?: string;
  finding?: number;
}

export interface Finding {
  kind: string;
  what: string;
  function: string;
  type: string;
  shown: string;
  place: Place | null;
  object: number | null;
  step: number | null;
}

export interface Film {
  format: "hashtable-replay";
  version: 1;
  title: string;
  script: string;
  module: string;
  python: string;
  verdict: string;
  exit_code: number;
  ending: { words: string; crashed: boolean; timed_out: boolean; well: boolean };
  limit: { steps: number; reached: boolean };
  notes: string[];
  files: { name: string; language: string; parts: [number, string[]][] }[];
  output: string;
  objects: { type: string; shown: string; address: string }[];
  findings: Finding[];
  steps: Step[];
}
