// The lines of edges. States differ by pattern and by head too, never by colour alone.

import type {Point, State} from "./document";

export interface Line {
  colour: string;
  dashes: number[];
  width: number;
  head: "triangle" | "ring" | "bar" | "vee" | "diamond";
}

export const LINES: Readonly<Record<State, Line>> = {
  Active: {colour: "active", dashes: [], width: 1.3, head: "triangle"},
  AwaitingConsent: {colour: "awaiting", dashes: [8, 4], width: 1.8, head: "ring"},
  Unresolved: {colour: "unresolved", dashes: [2, 3], width: 1.8, head: "bar"},
  Unsupported: {colour: "unsupported", dashes: [10, 3, 2, 3], width: 1.8, head: "vee"},
  Undeclared: {colour: "undeclared", dashes: [], width: 2.6, head: "diamond"},
};

const SIZE = 9;

/** Quadratic curves, each to the point half-way to the next control point, the last to the end. */
export function curve(path: Path2D, points: Point[]): void {
  const end = points[points.length - 1]!;
  const controls = points.slice(1, -1);
  path.moveTo(...points[0]!);
  controls.forEach(([x, y], index) => {
    const [nextX, nextY] = controls[index + 1] ?? [2 * end[0] - x, 2 * end[1] - y];
    path.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  });
}

/** A point of the curve, about half-way. */
export function middle(points: Point[]): Point {
  const controls = points.slice(1, -1);
  const half = Math.floor(controls.length / 2);
  const [[ax, ay], [bx, by]] = [controls[half - 1]!, controls[half]!];
  return [(ax + bx) / 2, (ay + by) / 2];
}

/** What stands at the end of a line, to be filled; rings and the like are outlines with a width. */
export function head(path: Path2D, points: Point[], kind: Line["head"]): void {
  const [x, y] = points[points.length - 1]!;
  const [fromX, fromY] = points[points.length - 2]!;
  const length = Math.hypot(x - fromX, y - fromY) || 1;
  const [ux, uy] = [(x - fromX) / length, (y - fromY) / length];
  const at = (back: number, aside: number): Point => [x - ux * back - uy * aside, y - uy * back + ux * aside];
  const polygon = (...corners: Point[]) => {
    corners.forEach((corner, index) => (index ? path.lineTo(...corner) : path.moveTo(...corner)));
    path.closePath();
  };
  switch (kind) {
    case "triangle":
      return polygon(at(0, 0), at(SIZE, SIZE / 2.4), at(SIZE, -SIZE / 2.4));
    case "diamond":
      return polygon(at(0, 0), at(SIZE / 2, SIZE / 2), at(SIZE, 0), at(SIZE / 2, -SIZE / 2));
    case "bar":
      return polygon(at(1, SIZE / 1.6), at(4, SIZE / 1.6), at(4, -SIZE / 1.6), at(1, -SIZE / 1.6));
    case "vee":
      return polygon(at(0, 0), at(SIZE, SIZE / 2), at(SIZE / 1.8, 0), at(SIZE, -SIZE / 2));
    case "ring": {
      const [cx, cy] = at(SIZE / 2, 0);
      path.moveTo(cx + SIZE / 2, cy);
      path.arc(cx, cy, SIZE / 2, 0, 2 * Math.PI);
      path.moveTo(cx + SIZE / 4, cy);
      path.arc(cx, cy, SIZE / 4, 0, 2 * Math.PI, true);
    }
  }
}
