// What stands out, and whether the rest steps back: from what the reader looks at.

import type {Model} from "./model";
import type {Looking} from "./state";

export type NodeLook = "chosen" | "near" | "found" | "reached" | "compromised";
export type EdgeLook = "chosen" | "near" | "path";

export interface Emphasis {
  dimmed: boolean;
  nodes: Map<string, NodeLook>;
  edges: Map<number, EdgeLook>;
  /** Hops to services within reach of an attacker. */
  hops: Map<string, number>;
}

export function emphasis(model: Model, now: Looking): Emphasis {
  const found: Emphasis = {dimmed: false, nodes: new Map(), edges: new Map(), hops: new Map()};
  if (now.compromised !== null) blastRadius(model, now.compromised, now.withPolicies, found);
  else if (now.query) {
    found.dimmed = true;
    for (const node of model.report.items) if (matches(node.id, now.query)) found.nodes.set(node.id, "found");
  } else if (now.selected !== null) neighbours(model, now.selected, found);
  if (now.selected !== null && found.nodes.get(now.selected) !== "compromised") found.nodes.set(now.selected, "chosen");
  if (now.edge !== null) found.edges.set(now.edge, "chosen");
  return found;
}

export function matches(id: string, query: string): boolean {
  return id.toLowerCase().includes(query.toLowerCase());
}

function blastRadius(model: Model, start: string, withPolicies: boolean, found: Emphasis): void {
  found.dimmed = true;
  for (const {id, hops, edge} of model.blastRadius(start, withPolicies)) {
    found.nodes.set(id, "reached");
    found.hops.set(id, hops);
    if (edge !== null) found.edges.set(edge, "path");
  }
  found.nodes.set(start, "compromised");
}

function neighbours(model: Model, id: string, found: Emphasis): void {
  found.dimmed = true;
  for (const index of [...model.edgesFrom(id), ...model.edgesTo(id)]) {
    const edge = model.edge(index);
    found.edges.set(index, "near");
    found.nodes.set(edge.source, "near").set(edge.target, "near");
  }
}
