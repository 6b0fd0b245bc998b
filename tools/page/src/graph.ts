// The graph on the page: what is drawn, how the reader moves it, and what a click means.

import {select} from "d3-selection";
import {zoom, zoomIdentity} from "d3-zoom";
import type {ZoomBehavior, ZoomTransform} from "d3-zoom";

import type {Point} from "./document";
import {Drawing} from "./drawing";
import {emphasis} from "./emphasis";
import type {Emphasis} from "./emphasis";
import type {Model} from "./model";
import type {Looking, Store} from "./state";
import type {Palette} from "./theme";

/** With more edges than these, a moving graph is the last drawing moved, until it rests. */
const MANY = 1_500;
const REST = 120;
const CLOSE = 6;

export class Graph {
  private readonly canvas = document.createElement("canvas");
  private readonly context = this.canvas.getContext("2d")!;
  private readonly still = document.createElement("canvas");
  private readonly drawing: Drawing;
  private readonly mover: ZoomBehavior<HTMLElement, unknown>;
  private view: ZoomTransform = zoomIdentity;
  private drawn: ZoomTransform = zoomIdentity;
  private marks: Emphasis;
  private pending = 0;
  private resting = 0;

  constructor(private readonly container: HTMLElement, private readonly model: Model, private readonly store: Store, private colour: Palette) {
    this.drawing = new Drawing(model, store.now);
    this.marks = emphasis(model, store.now);
    this.canvas.setAttribute("aria-hidden", "true");
    container.append(this.canvas);
    this.mover = zoom<HTMLElement, unknown>()
      .scaleExtent([0.02, 4])
      .on("zoom", (event: {transform: ZoomTransform}) => this.moved(event.transform));
    select(container).call(this.mover).on("dblclick.zoom", null).on("keydown.zoom", null);
    container.addEventListener("click", (event) => this.clicked(this.point(event)));
    container.addEventListener("mousemove", (event) => {
      if (!event.buttons) container.style.cursor = this.drawing.nodeAt(this.point(event)) ? "pointer" : "grab";
    });
    new ResizeObserver(() => this.resize()).observe(container);
    store.watch((now, before) => this.show(now, before));
    this.resize();
    this.fit();
  }

  fit(): void {
    const {width, height} = this.model.report.layout;
    const {clientWidth, clientHeight} = this.container;
    const k = Math.min(clientWidth / width, clientHeight / height, 1.35);
    this.moveTo(zoomIdentity.translate((clientWidth - width * k) / 2, (clientHeight - height * k) / 2).scale(k));
  }

  zoom(factor: number): void {
    this.mover.scaleBy(select(this.container), factor);
  }

  restyle(colour: Palette): void {
    this.colour = colour;
    this.redraw();
  }

  /** The whole graph as a picture, for paper. */
  picture(colour: Palette): string {
    const {width, height} = this.model.report.layout;
    const scale = Math.min(2, 6_000 / width, 6_000 / height);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.max(1, width * scale), Math.max(1, height * scale)];
    const context = canvas.getContext("2d")!;
    context.fillStyle = colour("back");
    context.fillRect(0, 0, canvas.width, canvas.height);
    this.drawing.draw(context, {x: 0, y: 0, k: scale}, canvas.width, canvas.height, colour, this.marks);
    return canvas.toDataURL("image/png");
  }

  /** Brings a node into view, unless it is there and can be read. */
  reveal(id: string): void {
    const [x, y] = this.view.apply(this.drawing.middle(id));
    const {clientWidth, clientHeight} = this.container;
    const inside = x > 60 && y > 40 && x < clientWidth - 60 && y < clientHeight - 40;
    if (inside && this.view.k >= 0.45) return;
    const k = Math.max(this.view.k, 0.8);
    const [left, top] = this.drawing.middle(id);
    this.moveTo(zoomIdentity.translate(clientWidth / 2 - left * k, clientHeight / 2 - top * k).scale(k));
  }

  neighbour(from: string | null, right: number, down: number): string | null {
    return this.drawing.neighbour(from, right, down);
  }

  private show(now: Looking, before: Looking): void {
    if (now.hiddenKinds !== before.hiddenKinds || now.hiddenNamespaces !== before.hiddenNamespaces || now.hiddenStates !== before.hiddenStates) this.drawing.filter(now);
    this.marks = emphasis(this.model, now);
    this.redraw();
  }

  private clicked(point: Point): void {
    const node = this.drawing.nodeAt(point);
    const edge = node ? null : this.drawing.edgeAt(this.context, point, CLOSE / this.view.k);
    this.store.set({selected: node?.id ?? null, edge});
  }

  private point(event: MouseEvent): Point {
    const {left, top} = this.container.getBoundingClientRect();
    return this.view.invert([event.clientX - left, event.clientY - top]);
  }

  private moveTo(view: ZoomTransform): void {
    this.mover.transform(select(this.container), view);
  }

  private moved(view: ZoomTransform): void {
    this.view = view;
    this.container.dataset["view"] = `${view.x} ${view.y} ${view.k}`;
    if (this.model.report.edges.length <= MANY) return this.redraw();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.redraw(), REST);
    this.soon(() => this.shift());
  }

  private redraw(): void {
    clearTimeout(this.resting);
    this.soon(() => this.draw());
  }

  private soon(act: () => void): void {
    cancelAnimationFrame(this.pending);
    this.pending = requestAnimationFrame(act);
  }

  private resize(): void {
    const {clientWidth, clientHeight} = this.container;
    if (!clientWidth) return;
    [this.canvas.width, this.canvas.height] = [clientWidth * devicePixelRatio, clientHeight * devicePixelRatio];
    [this.still.width, this.still.height] = [this.canvas.width, this.canvas.height];
    this.draw();
  }

  private draw(): void {
    const {clientWidth, clientHeight} = this.container;
    this.clear();
    this.context.scale(devicePixelRatio, devicePixelRatio);
    this.drawing.draw(this.context, this.view, clientWidth, clientHeight, this.colour, this.marks);
    this.drawn = this.view;
    if (this.model.report.edges.length <= MANY || !this.still.width) return;
    const still = this.still.getContext("2d")!;
    still.clearRect(0, 0, this.still.width, this.still.height);
    still.drawImage(this.canvas, 0, 0);
  }

  /** The last drawing where the graph is now. */
  private shift(): void {
    const k = this.view.k / this.drawn.k;
    this.clear();
    this.context.setTransform(k, 0, 0, k, (this.view.x - this.drawn.x * k) * devicePixelRatio, (this.view.y - this.drawn.y * k) * devicePixelRatio);
    this.context.drawImage(this.still, 0, 0);
  }

  private clear(): void {
    this.context.resetTransform();
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }
}
