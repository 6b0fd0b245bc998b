// Draws the document's layout on a canvas. Everything that looks alike is one path, so that 10,000 edges are a few strokes.

import {STATES} from "./document";
import type {Frame, Node, Point, State} from "./document";
import type {Emphasis} from "./emphasis";
import {LINES, curve, head, middle} from "./lines";
import {isService, portText} from "./model";
import type {Model} from "./model";
import type {Looking} from "./state";
import type {Palette} from "./theme";

export const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';

const TOGETHER = 150;
const DENSE = 1_500;
const NAMES_FROM = 0.42;
const PORTS_FROM = 0.7;

/** Where the drawing stands on the canvas: scaled by k, then moved. */
export interface View {
  x: number;
  y: number;
  k: number;
}

interface Shape {
  outside: boolean;
  dashes: number[];
  path: Path2D;
}

interface Strokes {
  state: State;
  lines: Path2D;
  heads: Path2D;
}

export class Drawing {
  private nodes: Node[] = [];
  private edges: number[] = [];
  private shapes: Shape[] = [];
  private strokes: Strokes[] = [];
  private namespaces: [string, Frame][] = [];

  constructor(private readonly model: Model, now: Looking) {
    this.filter(now);
  }

  /** Takes in which namespaces, kinds and states are shown. */
  filter(now: Looking): void {
    const {items, edges, layout} = this.model.report;
    this.nodes = items.filter((node) => this.model.shows(node, now));
    const visible = new Set(this.nodes.map((node) => node.id));
    this.edges = [...edges.keys()].filter((index) => {
      const edge = edges[index]!;
      return !now.hiddenStates.has(edge.state) && visible.has(edge.source) && visible.has(edge.target);
    });
    this.namespaces = Object.entries(layout.namespaces).filter(([name]) => !now.hiddenNamespaces.has(name));
    this.strokes = STATES.flatMap((state) => this.strokesOf(state));
    const shapes = new Map<string, Shape>();
    for (const node of this.nodes) {
      const shape = {outside: !isService(node), dashes: dashes(node), path: new Path2D()};
      const key = `${shape.outside} ${shape.dashes}`;
      if (!shapes.has(key)) shapes.set(key, shape);
      box(shapes.get(key)!.path, this.frame(node.id), shape.outside);
    }
    this.shapes = [...shapes.values()];
  }

  draw(context: CanvasRenderingContext2D, view: View, width: number, height: number, colour: Palette, marks: Emphasis): void {
    const seen = ([x, y]: Point, margin = 120) => {
      const [sx, sy] = [x * view.k + view.x, y * view.k + view.y];
      return sx > -margin && sy > -margin && sx < width + margin && sy < height + margin;
    };
    context.save();
    context.translate(view.x, view.y);
    context.scale(view.k, view.k);
    context.textAlign = "center";
    context.textBaseline = "middle";
    this.drawNamespaces(context, view, colour);
    context.globalAlpha = marks.dimmed ? 0.12 : this.edges.length > DENSE ? 0.45 : 1;
    for (const {state, lines, heads} of this.strokes) stroke(context, state, lines, heads, colour(LINES[state].colour), 1);
    context.globalAlpha = 1;
    this.drawMarkedEdges(context, colour, marks);
    if (view.k >= PORTS_FROM) this.drawPorts(context, colour, marks, seen);
    context.globalAlpha = marks.dimmed ? 0.3 : 1;
    for (const shape of this.shapes) {
      context.fillStyle = colour(shape.outside ? "party" : "box");
      context.strokeStyle = colour("soft");
      context.lineWidth = 1.2;
      context.setLineDash(shape.dashes);
      context.fill(shape.path);
      context.stroke(shape.path);
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
    this.drawMarkedNodes(context, colour, marks);
    if (view.k >= NAMES_FROM) this.drawNames(context, colour, marks, (node) => seen(this.middle(node.id)));
    if (view.k < NAMES_FROM) this.nameNamespaces(context, view, colour);
    context.restore();
  }

  frame(id: string): Frame {
    return this.model.report.layout.nodes[id]!;
  }

  middle(id: string): Point {
    const [left, top, width, height] = this.frame(id);
    return [left + width / 2, top + height / 2];
  }

  /** The node at a point of the layout. */
  nodeAt([x, y]: Point): Node | null {
    return (
      this.nodes.find((node) => {
        const [left, top, width, height] = this.frame(node.id);
        return x >= left && y >= top && x <= left + width && y <= top + height;
      }) ?? null
    );
  }

  /** The edge within some distance of a point of the layout. */
  edgeAt(context: CanvasRenderingContext2D, [x, y]: Point, distance: number): number | null {
    context.save();
    context.resetTransform();
    context.setLineDash([]);
    context.lineWidth = 2 * distance;
    const found = this.edges.find((index) => {
      const points = this.model.report.layout.edges[index]!;
      if (!near(points, x, y, distance)) return false;
      const path = new Path2D();
      curve(path, points);
      return context.isPointInStroke(path, x, y);
    });
    context.restore();
    return found ?? null;
  }

  /** The shown node that is nearest in a direction; without one to begin from, the first there is. */
  neighbour(from: string | null, right: number, down: number): string | null {
    if (from === null) return this.nodes[0]?.id ?? null;
    const [x, y] = this.middle(from);
    let best: string | null = null;
    let least = Infinity;
    for (const node of this.nodes) {
      const [otherX, otherY] = this.middle(node.id);
      const along = (otherX - x) * right + (otherY - y) * down;
      const cost = along + 2 * (Math.abs((otherX - x) * down) + Math.abs((otherY - y) * right));
      if (along > 1 && cost < least) [best, least] = [node.id, cost];
    }
    return best;
  }

  private strokesOf(state: State): Strokes[] {
    const {edges, layout} = this.model.report;
    const own = this.edges.filter((index) => edges[index]!.state === state);
    const found: Strokes[] = [];
    for (let start = 0; start < own.length; start += TOGETHER) {
      const strokes = {state, lines: new Path2D(), heads: new Path2D()};
      for (const index of own.slice(start, start + TOGETHER)) {
        curve(strokes.lines, layout.edges[index]!);
        head(strokes.heads, layout.edges[index]!, LINES[state].head);
      }
      found.push(strokes);
    }
    return found;
  }

  private drawNamespaces(context: CanvasRenderingContext2D, view: View, colour: Palette): void {
    for (const [name, frame] of this.namespaces) {
      const path = new Path2D();
      path.roundRect(...frame, 10);
      context.fillStyle = colour("group");
      context.fill(path);
      context.strokeStyle = colour("border");
      context.lineWidth = 1;
      context.stroke(path);
      if (view.k < NAMES_FROM) continue;
      context.font = `600 12px ${FONT}`;
      context.fillStyle = colour("soft");
      context.fillText(name, frame[0] + frame[2] / 2, frame[1] + 16);
    }
  }

  /** From afar, where no other name can be read. */
  private nameNamespaces(context: CanvasRenderingContext2D, view: View, colour: Palette): void {
    context.strokeStyle = colour("back");
    context.fillStyle = colour("text");
    for (const [name, [left, top, width, height]] of this.namespaces) {
      const size = Math.min(15 / view.k, (width * 1.5) / name.length);
      context.font = `600 ${size}px ${FONT}`;
      context.lineWidth = size / 3;
      context.strokeText(name, left + width / 2, top + height / 2);
      context.fillText(name, left + width / 2, top + height / 2);
    }
  }

  private drawMarkedEdges(context: CanvasRenderingContext2D, colour: Palette, marks: Emphasis): void {
    const {edges, layout} = this.model.report;
    const shown = new Set(this.edges);
    for (const [index, look] of marks.edges) {
      if (!shown.has(index)) continue;
      const lines = new Path2D();
      const heads = new Path2D();
      const state = edges[index]!.state;
      curve(lines, layout.edges[index]!);
      head(heads, layout.edges[index]!, LINES[state].head);
      stroke(context, state, lines, heads, colour(look === "path" ? "danger" : LINES[state].colour), look === "chosen" ? 3 : 2);
    }
  }

  private drawMarkedNodes(context: CanvasRenderingContext2D, colour: Palette, marks: Emphasis): void {
    for (const node of this.nodes) {
      const look = marks.nodes.get(node.id);
      if (!look) continue;
      const path = new Path2D();
      box(path, this.frame(node.id), !isService(node));
      const [fill, border] = look === "compromised" ? ["danger", "text"] : look === "reached" ? ["reached", "danger"] : [isService(node) ? "box" : "party", look === "near" ? "soft" : "accent"];
      context.fillStyle = colour(fill);
      context.strokeStyle = colour(border);
      context.lineWidth = look === "near" ? 1.2 : 3;
      context.setLineDash(look === "near" ? dashes(node) : []);
      context.fill(path);
      context.stroke(path);
    }
    context.setLineDash([]);
  }

  private drawNames(context: CanvasRenderingContext2D, colour: Palette, marks: Emphasis, seen: (node: Node) => boolean): void {
    for (const node of this.nodes) {
      if (!seen(node)) continue;
      const [x, y] = this.middle(node.id);
      const look = marks.nodes.get(node.id);
      const hops = marks.hops.get(node.id);
      context.globalAlpha = marks.dimmed && !look ? 0.35 : 1;
      context.fillStyle = colour(look === "compromised" ? "ondanger" : "text");
      context.font = `${look === "compromised" ? "600 " : ""}12px ${FONT}`;
      context.fillText(node.name, x, hops === undefined ? y + 0.5 : y - 6);
      if (hops === undefined) continue;
      context.font = `600 10px ${FONT}`;
      context.fillText(`${hops} ${hops === 1 ? "hop" : "hops"}`, x, y + 8);
    }
    context.globalAlpha = 1;
  }

  private drawPorts(context: CanvasRenderingContext2D, colour: Palette, marks: Emphasis, seen: (point: Point) => boolean): void {
    const {edges, layout} = this.model.report;
    context.font = `10px ${FONT}`;
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeStyle = colour("back");
    context.fillStyle = colour("soft");
    for (const index of this.edges) {
      if (marks.dimmed && !marks.edges.has(index)) continue;
      const at = middle(layout.edges[index]!);
      const text = portText(edges[index]!);
      if (!text || !seen(at)) continue;
      context.strokeText(text, ...at);
      context.fillText(text, ...at);
    }
  }
}

function stroke(context: CanvasRenderingContext2D, state: State, lines: Path2D, heads: Path2D, colour: string, wider: number): void {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = LINES[state].width * wider;
  context.setLineDash(LINES[state].dashes);
  context.stroke(lines);
  context.setLineDash([]);
  context.fill(heads);
}

function box(path: Path2D, frame: Frame, outside: boolean): void {
  path.roundRect(...frame, outside ? 16 : 6);
}

function dashes(node: Node): number[] {
  if (node.kind === "pods" || node.mode === "DryRun") return [6, 3];
  return isService(node) && node.mode !== "Enforce" ? [2, 3] : [];
}

function near(points: Point[], x: number, y: number, distance: number): boolean {
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  return Math.min(...xs) - distance <= x && Math.max(...xs) + distance >= x && Math.min(...ys) - distance <= y && Math.max(...ys) + distance >= y;
}
