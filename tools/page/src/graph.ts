// The drawing: the layout of the document on a canvas, and what the reader's choices do to it.

import cytoscape from "cytoscape";
import type {Core, ElementDefinition, NodeSingular} from "cytoscape";

import type {Edge, Frame, Node, Point} from "./document";
import {isService, portText} from "./model";
import type {Model} from "./model";
import type {Looking, Store} from "./state";
import {stylesheet} from "./style";
import type {Palette} from "./theme";

const LARGE = 2_000;
const FAR = 0.35;

export class Graph {
  private readonly cy: Core;

  constructor(container: HTMLElement, private readonly model: Model, private readonly store: Store, colour: Palette) {
    const large = model.report.edges.length > LARGE;
    this.cy = cytoscape({
      container,
      elements: elements(model),
      style: stylesheet(colour),
      layout: {name: "preset"},
      autoungrabify: true,
      autounselectify: true,
      boxSelectionEnabled: false,
      minZoom: 0.02,
      maxZoom: 3,
      textureOnViewport: large,
      ...(large ? {pixelRatio: 1} : {}),
    });
    this.cy.on("tap", "node", (event) => store.set({selected: event.target.id(), edge: null}));
    this.cy.on("tap", "edge", (event) => store.set({selected: null, edge: event.target.data("index")}));
    this.cy.on("tap", (event) => event.target === this.cy && store.set({selected: null, edge: null}));
    let waiting = 0;
    this.cy.on("zoom", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.nameNamespaces(), 120);
    });
    this.fit();
    store.watch((now, before) => this.show(now, before));
  }

  fit(): void {
    this.cy.resize();
    this.cy.fit(this.cy.elements().not(".hidden"), 24);
    if (this.cy.zoom() > 1.25) {
      this.cy.zoom(1.25);
      this.cy.center();
    }
    this.nameNamespaces();
  }

  zoom(factor: number): void {
    this.cy.zoom({level: this.cy.zoom() * factor, renderedPosition: {x: this.cy.width() / 2, y: this.cy.height() / 2}});
  }

  restyle(colour: Palette): void {
    this.cy.style(stylesheet(colour));
    this.show(this.store.now, null);
  }

  /** The whole graph as a picture, for paper. */
  picture(background: string): string {
    const scale = Math.min(2, 8_000 / this.model.report.layout.width, 8_000 / this.model.report.layout.height);
    return this.cy.png({full: true, scale, bg: background});
  }

  /** Brings a node into view, unless it is. */
  reveal(id: string): void {
    const node = this.cy.getElementById(id);
    const {x, y} = node.renderedPosition();
    const inside = x > 40 && y > 30 && x < this.cy.width() - 40 && y < this.cy.height() - 30;
    if (inside && this.cy.zoom() >= 0.5) return;
    this.cy.zoom(Math.max(this.cy.zoom(), 0.8));
    this.cy.center(node);
  }

  /** The visible node that is nearest in a direction; without one selected, the first there is. */
  neighbour(from: string | null, right: number, down: number): string | null {
    const visible = this.cy.nodes().not(".namespace").not(".hidden");
    const start = from === null ? null : this.cy.getElementById(from);
    if (!start?.nonempty()) return visible.sort((a, b) => byPlace(a as NodeSingular, b as NodeSingular)).first().id() ?? null;
    const {x, y} = (start as NodeSingular).position();
    let best: string | null = null;
    let least = Infinity;
    visible.forEach((node) => {
      const along = (node.position("x") - x) * right + (node.position("y") - y) * down;
      const across = Math.abs((node.position("x") - x) * down) + Math.abs((node.position("y") - y) * right);
      const cost = along + 2 * across;
      if (along > 1 && cost < least) [best, least] = [node.id(), cost];
    });
    return best;
  }

  private show(now: Looking, before: Looking | null): void {
    this.cy.batch(() => {
      if (filters(now) !== (before && filters(before))) this.filter(now);
      this.cy.elements(".faded, .chosen, .near, .found, .reached, .compromised, .path").removeClass("faded chosen near found reached compromised path");
      if (now.compromised !== null) this.showBlastRadius(now.compromised, now.withPolicies);
      else if (now.query) this.showFound(now.query);
      else if (now.selected !== null) this.showNeighbours(now.selected);
      if (now.selected !== null) this.cy.getElementById(now.selected).addClass("chosen");
      if (now.edge !== null) this.cy.getElementById(`edge ${now.edge}`).addClass("chosen");
    });
  }

  private filter(now: Looking): void {
    const shown = (node: Node) => !now.hiddenKinds.has(node.kind) && !(node.namespace !== null && now.hiddenNamespaces.has(node.namespace));
    for (const node of this.model.report.items) this.cy.getElementById(node.id).toggleClass("hidden", !shown(node));
    for (const name of this.model.namespaces) this.cy.getElementById(`namespace ${name}`).toggleClass("hidden", now.hiddenNamespaces.has(name));
    this.model.report.edges.forEach((edge, index) => this.cy.getElementById(`edge ${index}`).toggleClass("hidden", now.hiddenStates.has(edge.state)));
  }

  private showNeighbours(id: string): void {
    const node = this.cy.getElementById(id);
    const near = node.closedNeighborhood();
    this.cy.elements().not(near).not(".namespace").addClass("faded");
    near.edges().addClass("near");
  }

  private showFound(query: string): void {
    const found = this.cy.nodes().filter((node) => !node.hasClass("namespace") && matches(node.id(), query));
    found.addClass("found");
    this.cy.elements().not(found).not(".namespace").addClass("faded");
  }

  private showBlastRadius(start: string, withPolicies: boolean): void {
    const reached = this.model.blastRadius(start, withPolicies);
    this.cy.elements().not(".namespace").addClass("faded");
    this.cy.getElementById(start).removeClass("faded").addClass("compromised");
    for (const {id, hops, edge} of reached) {
      const node = this.cy.getElementById(id);
      node.data("hops", `${this.model.node(id).name}\n${hops} ${hops === 1 ? "hop" : "hops"}`);
      node.removeClass("faded").addClass("reached");
      if (edge !== null) this.cy.getElementById(`edge ${edge}`).removeClass("faded").addClass("path");
    }
  }

  /** From afar the names of namespaces stand large in their middle. */
  private nameNamespaces(): void {
    const zoom = this.cy.zoom();
    this.cy.batch(() => {
      this.cy.nodes(".namespace").forEach((node) => {
        const size = Math.min(15 / zoom, (node.width() * 1.5) / node.id().length);
        if (zoom < FAR) node.data({far: size, outline: size / 6});
        node.toggleClass("far", zoom < FAR);
      });
    });
  }
}

export function matches(id: string, query: string): boolean {
  return id.toLowerCase().includes(query.toLowerCase());
}

function filters(now: Looking): string {
  return JSON.stringify([[...now.hiddenKinds], [...now.hiddenNamespaces], [...now.hiddenStates]]);
}

function byPlace(a: NodeSingular, b: NodeSingular): number {
  return a.position("x") - b.position("x") || a.position("y") - b.position("y");
}

function elements(model: Model): ElementDefinition[] {
  const layout = model.report.layout;
  const namespaces = Object.entries(layout.namespaces).map(([name, frame]) => box(`namespace ${name}`, name, frame, "namespace"));
  const nodes = model.report.items.map((node) => box(node.id, node.name, layout.nodes[node.id]!, classes(node)));
  const edges = model.report.edges.map((edge, index) => line(edge, index, layout.edges[index]!, layout.nodes));
  return [...namespaces, ...nodes, ...edges];
}

function classes(node: Node): string {
  if (!isService(node)) return `outside ${node.kind}`;
  return node.kind === "unknown" ? "unknown" : (node.mode ?? "undeclared").toLowerCase();
}

function box(id: string, label: string, [left, top, width, height]: Frame, kinds: string): ElementDefinition {
  return {
    data: {id, label, width, height, far: 13, outline: 0, hops: label},
    position: {x: left + width / 2, y: top + height / 2},
    classes: kinds,
  };
}

function line(edge: Edge, index: number, points: Point[], frames: Record<string, Frame>): ElementDefinition {
  const start = points[0]!;
  const end = points[points.length - 1]!;
  const data = {id: `edge ${index}`, index, source: edge.source, target: edge.target, label: portText(edge)};
  if (edge.source === edge.target) return {data: {...data, weights: [0.5], distances: [0], start: "", end: ""}, classes: `${edge.state} loop`};
  const controls = points.slice(1, -1).map((point) => relative(point, start, end));
  return {
    data: {
      ...data,
      weights: controls.map(([weight]) => weight),
      distances: controls.map(([, distance]) => distance),
      start: offset(start, frames[edge.source]!),
      end: offset(end, frames[edge.target]!),
    },
    classes: edge.state,
  };
}

/** A point by its place along a line, as a share of it, and its distance beside it. */
function relative([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): [number, number] {
  const [dx, dy] = [bx - ax, by - ay];
  const length = Math.hypot(dx, dy) || 1;
  return [((x - ax) * dx + (y - ay) * dy) / (length * length), ((y - ay) * dx - (x - ax) * dy) / length];
}

function offset([x, y]: Point, [left, top, width, height]: Frame): string {
  return `${(x - left - width / 2).toFixed(1)}px ${(y - top - height / 2).toFixed(1)}px`;
}
