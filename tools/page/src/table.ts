// The same content as tables: for screen readers, for text search, for paper.

import {badge} from "./details";
import type {Edge, Node} from "./document";
import {byId, count, h} from "./dom";
import {matches} from "./emphasis";
import {isService, placeText} from "./model";
import type {Model} from "./model";
import type {Store} from "./state";

const MOST = 300;

export class Tables {
  private readonly view = byId("tables");
  private drawn: string | null = null;

  constructor(private readonly model: Model, private readonly store: Store) {
    store.watch(() => !this.view.hidden && this.draw(MOST));
    addEventListener("beforeprint", () => this.draw(Infinity));
  }

  /** Fills in the tables; `most` rows each, and the rest on demand. */
  draw(most: number): void {
    const now = this.store.now;
    const key = JSON.stringify([most, now.query, [...now.hiddenKinds], [...now.hiddenNamespaces], [...now.hiddenStates]]);
    if (key === this.drawn) return;
    this.drawn = key;
    const problems = this.model.report.problems;
    const visible = (id: string) => this.model.shows(this.model.node(id), now);
    const services = this.model.report.items.filter((node) => isService(node) && this.model.shows(node, now) && matches(node.id, now.query));
    const edges = this.model.report.edges.filter(
      (edge) => !now.hiddenStates.has(edge.state) && visible(edge.source) && visible(edge.target) && (matches(edge.source, now.query) || matches(edge.target, now.query)),
    );
    this.view.replaceChildren(
      this.table(count(services.length, "service"), ["Service", "Mode", "Isolated for", "Calls", "Called by", "Policies", "Declared at"], services, (node) => this.service(node), most),
      this.table(count(edges.length, "edge"), ["From", "To", "State", "Ports", "Because of", "At"], edges, (edge) => this.edge(edge), most),
      ...(problems.length ? [this.table(count(problems.length, "problem"), ["Severity", "Code", "Message", "At"], problems, (p) => [p.severity, p.code, p.message, h("code", {}, placeText(p))], most)] : []),
    );
  }

  private service(node: Node): Cell[] {
    return [
      this.link(node),
      node.mode ?? "not declared",
      node.isolated.join(", ") || "nothing",
      `${this.model.edgesFrom(node.id).length}`,
      `${this.model.edgesTo(node.id).length}`,
      this.model.policiesOf(node).map((policy) => policy.name).join(", "),
      h("code", {}, placeText(node)),
    ];
  }

  private edge(edge: Edge): Cell[] {
    const origin = this.model.originOf(edge);
    const policy = edge.policy === null ? null : this.model.report.policies[edge.policy]!;
    return [
      edge.source,
      edge.target,
      badge(edge),
      edge.ports.join(", ") || edge.podPorts.join(", ") || "all",
      origin?.text ?? `${edge.rule} of ${policy?.name}`,
      h("code", {}, origin ? placeText(origin) : policy ? placeText(policy) : ""),
    ];
  }

  private link(node: Node): HTMLElement {
    return h("button", {class: "link", click: () => this.store.set({selected: node.id, edge: null})}, node.id);
  }

  private table<T>(caption: string, titles: string[], items: T[], cells: (item: T) => Cell[], most: number): HTMLElement {
    const row = (item: T) => {
      const [first, ...rest] = cells(item);
      return h("tr", {}, h("th", {scope: "row"}, first!), ...rest.map((cell) => h("td", {}, cell)));
    };
    const body = h("tbody", {}, ...items.slice(0, most).map(row));
    const table = h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, ...titles.map((title) => h("th", {scope: "col"}, title)))), body);
    if (items.length <= most) return table;
    const more: HTMLElement = h("button", {click: () => (body.append(...items.slice(most).map(row)), more.remove())}, `Show ${items.length - most} more`);
    return h("div", {}, table, more);
  }
}

type Cell = string | HTMLElement;
