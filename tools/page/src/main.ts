// Puts the page together: the document, the views, and the keys.

import {Details} from "./details";
import type {Report} from "./document";
import {byId, count, h, say} from "./dom";
import {matches} from "./emphasis";
import {fillFilters} from "./filters";
import {Graph} from "./graph";
import {Model} from "./model";
import {Store} from "./state";
import {Tables} from "./table";
import {palette, watchTheme} from "./theme";

const MOST_HITS = 12;

const report = JSON.parse(byId("report").textContent!) as Report;
const model = new Model(report);
const store = new Store();
const canvas = byId("canvas");
const search = byId<HTMLInputElement>("search");
const help = byId<HTMLDialogElement>("help");

fillFilters(model, store);
new Details(model, store);
const tables = new Tables(model, store);
const graph = new Graph(canvas, model, store, palette());
canvas.removeAttribute("aria-busy");
canvas.setAttribute("aria-label", `Graph of ${count(report.summary.services, "service")}: arrow keys go from service to service, Enter reads the selected one`);

watchTheme(byId<HTMLButtonElement>("theme"), () => graph.restyle(palette()));
byId("fit").addEventListener("click", () => graph.fit());
byId("zoom-in").addEventListener("click", () => graph.zoom(1.3));
byId("zoom-out").addEventListener("click", () => graph.zoom(1 / 1.3));
byId("show-graph").addEventListener("click", () => show("graph"));
byId("show-tables").addEventListener("click", () => show("tables"));
byId("show-help").addEventListener("click", () => help.showModal());
byId("close-help").addEventListener("click", () => help.close());

function show(view: "graph" | "tables"): void {
  byId("tables").hidden = view !== "tables";
  byId("graph").hidden = view !== "graph";
  byId("show-graph").setAttribute("aria-pressed", String(view === "graph"));
  byId("show-tables").setAttribute("aria-pressed", String(view === "tables"));
  if (view === "tables") tables.draw(300);
  else graph.fit();
}

store.watch((now, before) => {
  if (now.selected !== before.selected && now.selected !== null) {
    graph.reveal(now.selected);
    const calls = model.edgesFrom(now.selected).length;
    say(`${now.selected}: calls ${calls}, is called by ${model.edgesTo(now.selected).length}`);
  }
  if (now.compromised !== null && (now.compromised !== before.compromised || now.withPolicies !== before.withPolicies)) {
    const reached = model.blastRadius(now.compromised, now.withPolicies).length;
    say(`${now.compromised} compromised: reaches ${reached} of ${count(model.others(now.compromised).length, "service")} ${now.withPolicies ? "with" : "without"} policies`);
  }
});

// Search: a list of hits that arrow keys walk through; the graph shows the same.

const hits = byId("hits");
let at = -1;

search.addEventListener("input", () => {
  store.set({query: search.value.trim()});
  fillHits();
});
search.addEventListener("blur", () => showHits(false));
search.addEventListener("keydown", (event) => {
  const options = [...hits.children] as HTMLElement[];
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    at = Math.max(0, Math.min(options.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)));
    options.forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    search.setAttribute("aria-activedescendant", options[at]?.id ?? "");
  } else if (event.key === "Enter") {
    const option = options[Math.max(at, 0)];
    if (option?.dataset["id"]) choose(option.dataset["id"]);
  }
});

function fillHits(): void {
  at = -1;
  const found = store.now.query ? report.items.filter((node) => matches(node.id, store.now.query)) : [];
  hits.replaceChildren(
    ...found.slice(0, MOST_HITS).map((node, index) =>
      h("li", {id: `hit-${index}`, role: "option", "aria-selected": "false", "data-id": node.id, mousedown: () => choose(node.id)}, node.id, h("span", {class: "soft"}, node.kind === "service" ? "" : ` ${node.kind}`)),
    ),
  );
  showHits(found.length > 0);
  search.removeAttribute("aria-activedescendant");
  if (store.now.query) say(count(found.length, "hit"));
}

function showHits(shown: boolean): void {
  hits.hidden = !shown;
  search.setAttribute("aria-expanded", String(shown));
}

function choose(id: string): void {
  search.value = "";
  store.set({query: "", selected: id, edge: null});
  fillHits();
  canvas.focus();
}

// Keys. Letters work wherever nothing is typed; arrows on the graph.

const ARROWS: Record<string, [number, number]> = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]};

const KEYS: Record<string, () => void> = {
  "/": () => search.focus(),
  "+": () => graph.zoom(1.3),
  "-": () => graph.zoom(1 / 1.3),
  0: () => graph.fit(),
  c: () => compromise(),
  p: () => store.set({withPolicies: !store.now.withPolicies}),
  t: () => show(byId("tables").hidden ? "tables" : "graph"),
  d: () => byId("theme").click(),
  "?": () => help.showModal(),
};

canvas.addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  if (arrow) {
    event.preventDefault();
    const next = graph.neighbour(store.now.selected, ...arrow);
    if (next !== null) store.set({selected: next, edge: null});
  } else if (event.key === "Enter") {
    byId("panel").focus();
  }
});

document.addEventListener("keydown", (event) => {
  if (help.open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if (document.activeElement === search && search.value) {
      search.value = "";
      store.set({query: ""});
      fillHits();
    } else if (store.now.compromised !== null) store.set({compromised: null});
    else store.set({selected: null, edge: null});
    return;
  }
  if (event.target instanceof HTMLInputElement) return;
  const act = KEYS[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

function compromise(): void {
  const {selected, compromised} = store.now;
  const id = selected !== null && model.node(selected).hasPods ? selected : null;
  store.set({compromised: id === compromised ? null : id});
}

// Paper: the graph as a picture, in light colours, above the tables.

const paper = byId<HTMLImageElement>("paper");
addEventListener("beforeprint", () => {
  const root = document.documentElement;
  const theme = root.dataset["theme"];
  root.dataset["theme"] = "light";
  paper.src = graph.picture(palette());
  if (theme) root.dataset["theme"] = theme;
  else delete root.dataset["theme"];
});
