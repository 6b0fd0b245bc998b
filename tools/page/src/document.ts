// The document that `servicegraph report -o json` prints; docs/schemas/report.schema.json describes it.

export type State = "Active" | "AwaitingConsent" | "Unresolved" | "Unsupported" | "Undeclared";
export const STATES: readonly State[] = ["Active", "AwaitingConsent", "Unresolved", "Unsupported", "Undeclared"];

export const STATE_TEXT: Readonly<Record<State, string>> = {
  Active: "declared and resolved",
  AwaitingConsent: "the callee does not accept the caller",
  Unresolved: "nothing in the cluster answers to it",
  Unsupported: "no NetworkPolicy can say it",
  Undeclared: "allowed by a policy of no graph",
};

export interface Origin {
  graph: string;
  path: string;
  text: string;
  file: string;
  line: number;
  reason: string | null;
}

export interface Node {
  id: string;
  kind: string;
  name: string;
  namespace: string | null;
  graph: string | null;
  path: string;
  file: string;
  line: number;
  mode: "Enforce" | "DryRun" | "Off" | null;
  isolated: string[];
  hasPods: boolean;
  enters: boolean;
  leaves: boolean;
  policies: number[];
}

export interface Edge {
  source: string;
  target: string;
  state: State;
  ports: string[];
  podPorts: string[];
  passes: boolean;
  origin: number | null;
  policy: number | null;
  rule: string | null;
}

export interface Peer {
  text: string;
  node: string | null;
  origins: number[];
}

export interface Rule {
  peers: Peer[];
  ports: string[];
}

export interface Policy {
  namespace: string;
  name: string;
  selects: string;
  inForce: boolean;
  compiled: boolean;
  directions: string[];
  ingress: Rule[];
  egress: Rule[];
  file: string;
  line: number;
}

export interface Problem {
  code: string;
  severity: "error" | "warning" | "info";
  graph: string;
  path: string;
  message: string;
  file: string;
  line: number;
}

export type Frame = [left: number, top: number, width: number, height: number];
export type Point = [x: number, y: number];

export interface Layout {
  width: number;
  height: number;
  nodes: Record<string, Frame>;
  namespaces: Record<string, Frame>;
  edges: Point[][];
}

export interface Report {
  schemaVersion: number;
  kind: "Report";
  items: Node[];
  edges: Edge[];
  origins: Origin[];
  policies: Policy[];
  hops: {source: string; target: string; edge: number | null}[];
  open: {sources: string[]; targets: string[]}[];
  layout: Layout;
  problems: Problem[];
  summary: {
    version: string;
    services: number;
    namespaces: number;
    policies: number;
    edges: Record<State, number>;
    pairs: number;
    allowed: number;
  };
}
