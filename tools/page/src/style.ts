// How the graph looks. States differ by pattern and arrow too, never by colour alone.

import type {StylesheetJson} from "cytoscape";

import type {State} from "./document";
import type {Palette} from "./theme";

interface Line {
  colour: string;
  style: "solid" | "dashed" | "dotted";
  dashes: number[];
  arrow: "triangle" | "tee" | "circle" | "diamond" | "vee";
  width: number;
}

export const LINES: Readonly<Record<State, Line>> = {
  Active: {colour: "active", style: "solid", dashes: [1, 0], arrow: "triangle", width: 1.4},
  AwaitingConsent: {colour: "awaiting", style: "dashed", dashes: [8, 4], arrow: "circle", width: 1.8},
  Unresolved: {colour: "unresolved", style: "dotted", dashes: [2, 3], arrow: "tee", width: 1.8},
  Unsupported: {colour: "unsupported", style: "dashed", dashes: [10, 3, 2, 3], arrow: "vee", width: 1.8},
  Undeclared: {colour: "undeclared", style: "solid", dashes: [1, 0], arrow: "diamond", width: 2.8},
};

const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';

export function stylesheet(colour: Palette): StylesheetJson {
  return [
    {
      selector: "node",
      style: {
        width: "data(width)",
        height: "data(height)",
        shape: "round-rectangle",
        "corner-radius": "6px",
        "background-color": colour("box"),
        "border-width": 1.2,
        "border-color": colour("soft"),
        label: "data(label)",
        color: colour("text"),
        "font-family": FONT,
        "font-size": 12,
        "text-valign": "center",
        "text-halign": "center",
        "text-wrap": "wrap",
        "min-zoomed-font-size": 5,
        "overlay-opacity": 0,
        "z-index-compare": "manual",
        "z-index": 3,
      },
    },
    {selector: "node.outside", style: {"corner-radius": "16px", "background-color": colour("party")}},
    {selector: "node.dryrun, node.pods", style: {"border-style": "dashed"}},
    {selector: "node.off, node.undeclared, node.unknown", style: {"border-style": "dotted", "border-width": 1.6}},
    {
      selector: "node.namespace",
      style: {
        "z-index": 0,
        "background-color": colour("group"),
        "border-color": colour("border"),
        "border-width": 1,
        "corner-radius": "10px",
        color: colour("soft"),
        "font-weight": "bold",
        "text-valign": "top",
        "text-margin-y": 24,
        "min-zoomed-font-size": 4,
        events: "no",
      },
    },
    {
      selector: "node.namespace.far",
      style: {
        "text-valign": "center",
        "text-margin-y": 0,
        "min-zoomed-font-size": 0,
        "z-index": 8,
        "background-opacity": 0.35,
        color: colour("text"),
        "text-outline-width": "data(outline)",
        "text-outline-color": colour("group"),
        "font-size": "data(far)",
      },
    },
    {
      selector: "edge",
      style: {
        "curve-style": "unbundled-bezier",
        "edge-distances": "endpoints" as never,
        "control-point-weights": "data(weights)" as never,
        "control-point-distances": "data(distances)" as never,
        "source-endpoint": "data(start)" as never,
        "target-endpoint": "data(end)" as never,
        "arrow-scale": 0.9,
        label: "data(label)",
        color: colour("soft"),
        "font-family": FONT,
        "font-size": 10,
        "min-zoomed-font-size": 7,
        "text-background-color": colour("back"),
        "text-background-opacity": 0.85,
        "text-background-padding": "2px",
        "overlay-opacity": 0,
        "z-index-compare": "manual",
        "z-index": 1,
      },
    },
    {
      selector: "edge.loop",
      style: {"curve-style": "bezier", "source-endpoint": "outside-to-node", "target-endpoint": "outside-to-node", "loop-direction": "-25deg", "loop-sweep": "50deg"},
    },
    ...Object.entries(LINES).map(([state, line]) => ({
      selector: `edge.${state}`,
      style: {
        "line-color": colour(line.colour),
        "line-style": line.style,
        "line-dash-pattern": line.dashes,
        "target-arrow-shape": line.arrow,
        "target-arrow-color": colour(line.colour),
        width: line.width,
      },
    })),
    {selector: ".hidden", style: {display: "none" as const}},
    {selector: "node.faded", style: {opacity: 0.28}},
    {selector: "edge.faded", style: {opacity: 0.12, "text-opacity": 0}},
    {selector: "node.found", style: {"border-width": 3, "border-color": colour("accent")}},
    {selector: "edge.near, edge.chosen", style: {width: 2.6, "z-index": 2}},
    {selector: "edge.chosen", style: {width: 4}},
    {selector: "node.chosen", style: {"border-width": 3.5, "border-style": "solid", "border-color": colour("accent"), "z-index": 9}},
    {
      selector: "node.reached",
      style: {"background-color": colour("reached"), "border-color": colour("danger"), "border-width": 2, label: "data(hops)", "font-size": 11},
    },
    {
      selector: "node.compromised",
      style: {"background-color": colour("danger"), "border-color": colour("danger"), "border-style": "double", "border-width": 5, color: colour("ondanger"), "font-weight": "bold"},
    },
    {selector: "edge.path", style: {"line-color": colour("danger"), "target-arrow-color": colour("danger"), width: 2.8, "z-index": 2}},
  ];
}
