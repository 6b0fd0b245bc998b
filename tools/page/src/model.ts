// The document with indexes, and the questions that views ask of it.

import type {Edge, Node, Origin, Policy, Problem, Report} from "./document";
import type {Looking} from "./state";

/** A service on the way of an attacker: how many hops away, from where, and by which edge, where there is one. */
export interface Reached {
  id: string;
  hops: number;
  from: string;
  edge: number | null;
}

export class Model {
  readonly nodes = new Map<string, Node>();
  readonly namespaces: string[];
  readonly kinds: string[];
  private readonly out = new Map<string, number[]>();
  private readonly into = new Map<string, number[]>();
  private readonly ways = new Map<string, {target: string; edge: number | null}[]>();

  constructor(readonly report: Report) {
    for (const node of report.items) this.nodes.set(node.id, node);
    const namespaces = new Set(report.items.map((node) => node.namespace).filter((name) => name !== null));
    this.namespaces = [...namespaces].sort();
    this.kinds = [...new Set(report.items.map((node) => node.kind))];
    report.edges.forEach((edge, index) => {
      push(this.out, edge.source, index);
      push(this.into, edge.target, index);
      if (edge.passes) push(this.ways, edge.source, {target: edge.target, edge: index});
    });
    for (const hop of report.hops) push(this.ways, hop.source, {target: hop.target, edge: hop.edge});
  }

  node(id: string): Node {
    const found = this.nodes.get(id);
    if (!found) throw new Error(`there is no node ${id}`);
    return found;
  }

  edge(index: number): Edge {
    return this.report.edges[index]!;
  }

  /** Whether the filters let a node be seen. */
  shows(node: Node, now: Looking): boolean {
    return !now.hiddenKinds.has(node.kind) && !(node.namespace !== null && now.hiddenNamespaces.has(node.namespace));
  }

  edgesFrom(id: string): number[] {
    return this.out.get(id) ?? [];
  }

  edgesTo(id: string): number[] {
    return this.into.get(id) ?? [];
  }

  policiesOf(node: Node): Policy[] {
    return node.policies.map((index) => this.report.policies[index]!);
  }

  originOf(edge: Edge): Origin | null {
    return edge.origin === null ? null : this.report.origins[edge.origin]!;
  }

  /** Problems of the entry behind an edge. */
  problemsOf(edge: Edge): Problem[] {
    const origin = this.originOf(edge);
    return origin ? this.report.problems.filter((p) => p.graph === origin.graph && p.path === origin.path) : [];
  }

  /** Problems of a service and of everything its declaration holds. */
  problemsIn(node: Node): Problem[] {
    const inside = (path: string) => path === node.path || path.startsWith(`${node.path}.`) || path.startsWith(`${node.path}[`);
    return node.graph && node.path ? this.report.problems.filter((p) => p.graph === node.graph && inside(p.path)) : [];
  }

  /** Services with pods, besides one: without policies all of them are one hop away. */
  others(id: string): Node[] {
    return this.report.items.filter((node) => node.hasPods && node.id !== id);
  }

  /** Whom an attacker inside a service reaches, the nearest first, by the policies in force or without any. */
  blastRadius(start: string, withPolicies: boolean): Reached[] {
    if (!withPolicies) return this.others(start).map((node) => ({id: node.id, hops: 1, from: start, edge: null}));
    const found = new Map<string, Reached>();
    const open = this.report.open.map((group) => ({...group, from: new Set(group.sources), done: false}));
    let border = [start];
    for (let hops = 1; border.length; hops++) {
      const next: string[] = [];
      const reach = (id: string, from: string, edge: number | null) => {
        if (id === start || found.has(id) || !this.nodes.get(id)?.hasPods) return;
        found.set(id, {id, hops, from, edge});
        next.push(id);
      };
      for (const from of border) {
        for (const way of this.ways.get(from) ?? []) reach(way.target, from, way.edge);
      }
      for (const from of border) {
        for (const group of open) {
          if (group.done || !group.from.has(from)) continue;
          group.done = true;
          for (const id of group.targets) reach(id, from, null);
        }
      }
      border = next;
    }
    return [...found.values()].sort((a, b) => a.hops - b.hops || (a.id < b.id ? -1 : 1));
  }
}

export function isService(node: Node): boolean {
  return node.kind === "service" || node.kind === "unknown";
}

export function portText(edge: Edge): string {
  const ports = edge.ports.length ? edge.ports : edge.podPorts;
  return ports.slice(0, 3).join(", ") + (ports.length > 3 ? ", …" : "");
}

export function placeText(place: {file: string; line: number}): string {
  return place.file ? (place.line ? `${place.file}:${place.line}` : place.file) : "";
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
