// What is shown: namespaces, edge states, kinds of parties. Each state with the line it is drawn with.

import {STATES} from "./document";
import {byId, h} from "./dom";
import {LINES} from "./lines";
import type {Model} from "./model";
import type {Store} from "./state";

type Hidden = "hiddenNamespaces" | "hiddenStates" | "hiddenKinds";

export function fillFilters(model: Model, store: Store): void {
  const count = new Map<string, number>();
  for (const edge of model.report.edges) count.set(edge.state, (count.get(edge.state) ?? 0) + 1);
  const states = STATES.filter((state) => count.has(state));
  byId("filters").replaceChildren(
    group(store, "Edges", "hiddenStates", states, (state) => [sample(state), `${state} (${count.get(state)})`]),
    h("details", {}, h("summary", {}, "Kinds"), group(store, "Kinds", "hiddenKinds", model.kinds, (kind) => [kind])),
    h("details", {}, h("summary", {}, "Namespaces"), group(store, "Namespaces", "hiddenNamespaces", model.namespaces, (name) => [name])),
  );
}

function group<T extends string>(store: Store, title: string, field: Hidden, values: readonly T[], label: (value: T) => (string | Element)[]): HTMLElement {
  const boxes = values.map((value) => {
    const input = h("input", {type: "checkbox", checked: true, "data-value": value, change: () => change(value, input.checked)});
    return h("label", {}, input, ...(label(value) as HTMLElement[]));
  });
  const change = (value: string, shown: boolean) => {
    const hidden = new Set<string>(store.now[field]);
    if (shown) hidden.delete(value);
    else hidden.add(value);
    store.set({[field]: hidden});
  };
  const all = h(
    "button",
    {
      class: "link",
      click: () => {
        const none = store.now[field].size < values.length;
        store.set({[field]: new Set(none ? values : [])});
        for (const input of set.querySelectorAll("input")) input.checked = !none;
      },
    },
    "all or none",
  );
  const set = h("fieldset", {}, h("legend", {class: "unseen"}, title), ...(values.length > 5 ? [all] : []), ...boxes);
  return set;
}

function sample(state: keyof typeof LINES): Element {
  const line = LINES[state];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 40 10");
  svg.setAttribute("class", "sample");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M0 5h40");
  path.setAttribute("stroke", `var(--${line.colour})`);
  path.setAttribute("stroke-width", String(line.width));
  if (line.dashes.length) path.setAttribute("stroke-dasharray", line.dashes.join(" "));
  svg.append(path);
  return svg;
}
