// The panel beside the graph: the whole, a service or party with its policies, or an edge.

import {STATE_TEXT, STATES} from "./document";
import type {Edge, Node, Origin, Policy, Problem, Rule} from "./document";
import {byId, count, h} from "./dom";
import {isService, placeText} from "./model";
import type {Model, Reached} from "./model";
import type {Looking, Store} from "./state";

const KINDS: Record<string, string> = {
  cidr: "Addresses outside the cluster",
  fqdn: "DNS name outside the cluster",
  internet: "Everything outside the cluster",
  nodes: "The cluster's nodes",
  kubeAPIServer: "The API server",
  anywhere: "Anybody",
  party: "Party of the cluster profile",
  pods: "Pods by label",
  unknown: "Not found",
};

const MOST = 100;

export class Details {
  private readonly panel = byId("panel");

  constructor(private readonly model: Model, private readonly store: Store) {
    store.watch((now, before) => {
      if (now.selected !== before.selected || now.edge !== before.edge || now.compromised !== before.compromised || now.withPolicies !== before.withPolicies) this.show(now);
    });
    this.show(store.now);
  }

  private show(now: Looking): void {
    const focused = document.activeElement?.id;
    const content = now.selected !== null ? this.node(this.model.node(now.selected), now) : now.edge !== null ? this.edge(now.edge) : this.overview(now);
    this.panel.replaceChildren(...content);
    if (focused) document.getElementById(focused)?.focus();
  }

  private overview(now: Looking): HTMLElement[] {
    const {summary, problems} = this.model.report;
    const share = summary.pairs ? (100 * summary.allowed) / summary.pairs : 0;
    const parts: HTMLElement[] = [
      h("h2", {}, "Overview"),
      h("p", {class: "figure"}, h("strong", {}, `${summary.allowed}`), ` of ${count(summary.pairs, "connection")} between services are open (${share.toFixed(share < 1 ? 1 : 0)}\u00a0%). Without policies all are.`),
      h("dl", {class: "facts"}, ...STATES.filter((state) => summary.edges[state]).flatMap((state) => [h("dt", {}, state), h("dd", {}, `${summary.edges[state]}, ${STATE_TEXT[state]}`)])),
      h("p", {class: "soft"}, "Select a service or an edge, in the graph or by search. Press ? for the keys."),
    ];
    if (now.compromised !== null) parts.push(this.radius(this.model.node(now.compromised), now));
    if (problems.length) parts.push(h("h3", {}, count(problems.length, "problem")), list(alike(problems), alikeProblems));
    return parts;
  }

  private node(node: Node, now: Looking): HTMLElement[] {
    const place = placeText(node);
    const parts: HTMLElement[] = [
      h("div", {class: "heading"}, h("h2", {}, node.id), this.close()),
      h("p", {class: "soft"}, isService(node) ? about(node) : KINDS[node.kind] ?? node.kind),
    ];
    if (node.graph) parts.push(h("p", {class: "place"}, `ServiceGraph ${node.graph}`, place && h("code", {}, place)));
    const problems = this.model.problemsIn(node);
    if (problems.length) parts.push(h("h3", {}, count(problems.length, "problem")), list(problems, problem));
    if (node.hasPods) parts.push(this.radius(node, now));
    parts.push(...this.ends("Calls", this.model.edgesFrom(node.id), "target"), ...this.ends("Called by", this.model.edgesTo(node.id), "source"));
    if (isService(node) && node.kind !== "unknown") {
      const policies = this.model.policiesOf(node);
      parts.push(h("h3", {}, policies.length ? count(policies.length, "policy", "policies") : "No policy selects its pods"));
      parts.push(...policies.map((policy) => this.policy(policy)));
    }
    return parts;
  }

  private edge(index: number): HTMLElement[] {
    const edge = this.model.edge(index);
    const policy = edge.policy === null ? null : this.model.report.policies[edge.policy]!;
    const problems = this.model.problemsOf(edge);
    const parts: HTMLElement[] = [
      h("div", {class: "heading"}, h("h2", {}, this.link(edge.source), " → ", this.link(edge.target)), this.close()),
      h("p", {}, badge(edge), ` ${STATE_TEXT[edge.state]}`),
      h("dl", {class: "facts"}, h("dt", {}, "Ports as written"), h("dd", {}, edge.ports.join(", ") || "all"), h("dt", {}, "Ports of the pods"), h("dd", {}, edge.podPorts.join(", ") || "none")),
    ];
    if (edge.state === "Active" && !edge.passes) parts.push(h("p", {class: "alert"}, "The policies in force do not let it pass."));
    const origin = this.model.originOf(edge);
    if (origin) parts.push(h("h3", {}, "Because of"), entry(origin));
    if (policy) parts.push(h("h3", {}, `Because of ${edge.rule} of`), this.policy(policy));
    if (problems.length) parts.push(h("h3", {}, count(problems.length, "problem")), list(problems, problem));
    return parts;
  }

  private ends(title: string, edges: number[], end: "source" | "target"): HTMLElement[] {
    if (!edges.length) return [];
    const row = (index: number) => {
      const edge = this.model.edge(index);
      const origin = this.model.originOf(edge);
      return h(
        "li",
        {},
        this.link(edge[end]),
        " ",
        h(
          "button",
          {class: "ports", click: () => this.store.set({selected: null, edge: index})},
          edge.ports.join(", ") || edge.podPorts.join(", ") || "all ports",
          h("span", {class: "unseen"}, ` of the edge ${edge.source} to ${edge.target}`),
        ),
        edge.state === "Active" ? null : badge(edge),
        origin ? h("code", {}, placeText(origin)) : null,
      );
    };
    return [h("h3", {}, `${title} ${edges.length}`), list(edges, row)];
  }

  private radius(node: Node, now: Looking): HTMLElement {
    const on = now.compromised === node.id;
    const toggle = h("button", {id: "compromised", class: "switch", role: "switch", "aria-checked": String(on), click: () => this.store.set({compromised: on ? null : node.id})}, "Compromised");
    const section = h("section", {class: "radius", "aria-label": "Blast radius"}, h("div", {class: "heading"}, toggle, h("span", {class: "soft"}, on ? node.id : "Suppose it is in an attacker's hands")));
    if (!on) return section;
    const others = this.model.others(node.id).length;
    const reached = this.model.blastRadius(node.id, true);
    const bar = (number: number) => h("meter", {min: "0", max: String(others || 1), value: String(number), "aria-hidden": "true"});
    const choice = (id: string, text: string, withPolicies: boolean, number: number) =>
      h(
        "button",
        {id, class: "choice", "aria-pressed": String(now.withPolicies === withPolicies), click: () => this.store.set({withPolicies})},
        h("span", {}, text),
        bar(number),
        h("strong", {}, `${number} of ${others}`),
      );
    section.append(
      h("div", {class: "choices"}, choice("without-policies", "Without policies", false, others), choice("with-policies", "With policies", true, reached.length)),
      h("p", {class: "soft"}, this.outside(node, reached, now.withPolicies)),
    );
    if (!now.withPolicies) section.append(h("p", {}, `Every one of ${count(others, "service")} is one hop away.`));
    else section.append(list(reached, (one) => this.hop(one)));
    return section;
  }

  private outside(node: Node, reached: Reached[], withPolicies: boolean): string {
    if (!withPolicies) return "Reaches outside the cluster.";
    const exits = [node.id, ...reached.map((one) => one.id)].filter((id) => this.model.node(id).leaves);
    if (!exits.length) return "Reaches nothing outside the cluster.";
    if (exits[0] === node.id) return "Reaches outside the cluster itself.";
    return `Reaches outside the cluster through ${exits.slice(0, 3).join(", ")}${exits.length > 3 ? ` and ${exits.length - 3} more` : ""}.`;
  }

  private hop(one: Reached): HTMLElement {
    const edge = one.edge === null ? null : this.model.edge(one.edge);
    const origin = edge && this.model.originOf(edge);
    const why = origin ? origin.text : edge ? `${edge.rule} of ${this.model.report.policies[edge.policy!]!.name}` : `${one.from}, by no policy`;
    return h("li", {}, h("span", {class: "hops"}, count(one.hops, "hop")), " ", this.link(one.id), h("span", {class: "soft"}, ` ${why}`), origin ? h("code", {}, placeText(origin)) : null);
  }

  private policy(policy: Policy): HTMLElement {
    const side = (title: string, direction: string, rules: Rule[]) => {
      if (!policy.directions.includes(direction)) return null;
      return h("div", {}, h("h5", {}, title), rules.length ? list(rules, (rule) => this.rule(rule)) : h("p", {class: "soft"}, "Nothing."));
    };
    const place = placeText(policy);
    return h(
      "details",
      {class: "policy"},
      h("summary", {}, h("span", {}, policy.name), policy.inForce ? null : h("span", {class: "badge"}, "DryRun: not in force"), policy.compiled ? null : h("span", {class: "badge"}, "of no graph")),
      h("p", {class: "soft"}, `Selects ${policy.selects}. `, place && h("code", {}, place)),
      side("Lets in", "Ingress", policy.ingress),
      side("Lets out", "Egress", policy.egress),
    );
  }

  private rule(rule: Rule): HTMLElement {
    const peers = list(rule.peers, (peer) =>
      h("li", {}, peer.node !== null && this.model.nodes.has(peer.node) ? this.link(peer.node, peer.text) : peer.text, ...peer.origins.map((index) => entry(this.model.report.origins[index]!))),
    );
    return h("li", {}, h("span", {class: "ports"}, rule.ports.join(", ") || "every port"), peers);
  }

  private link(id: string, text = id): HTMLElement {
    return h("button", {class: "link", click: () => this.store.set({selected: id, edge: null})}, text);
  }

  private close(): HTMLElement {
    return h("button", {class: "close", "aria-label": "Close", title: "Close (Esc)", click: () => this.store.set({selected: null, edge: null})}, "×");
  }
}

function about(node: Node): string {
  if (node.kind === "unknown") return "Nothing that was read is named so.";
  const mode = node.mode === null ? "No graph declares it" : node.mode === "Enforce" ? "Declared" : `Declared, mode ${node.mode}`;
  const isolated = node.isolated.length ? `isolated for ${node.isolated.join(" and ")}` : "no policy in force isolates it";
  return `${mode}; ${isolated}.`;
}

function entry(origin: Origin): HTMLElement {
  return h("div", {class: "entry"}, h("span", {}, origin.text), origin.reason ? h("em", {}, origin.reason) : null, h("code", {}, placeText(origin) || origin.graph));
}

function problem(found: Problem): HTMLElement {
  return h("li", {class: found.severity}, h("strong", {}, found.code), ` ${found.message} `, h("code", {}, placeText(found)));
}

/** Problems that say the same, told once with all their places. */
function alike(problems: Problem[]): Problem[][] {
  const groups = new Map<string, Problem[]>();
  for (const one of problems) {
    const key = `${one.code} ${one.message}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

function alikeProblems(found: Problem[]): HTMLElement {
  const element = problem(found[0]!);
  if (found.length > 1) element.append(h("span", {class: "soft"}, `and ${found.length - 1} more times`));
  return element;
}

export function badge(edge: Edge): HTMLElement {
  return h("span", {class: `badge ${edge.state}`}, edge.state);
}

/** A list that shows its first entries, and all of them on demand. */
function list<T>(items: T[], show: (item: T) => HTMLElement): HTMLElement {
  const element = h("ul", {}, ...items.slice(0, MOST).map(show));
  if (items.length > MOST) {
    const more = h("li", {}, h("button", {click: () => more.replaceWith(...items.slice(MOST).map(show))}, `Show ${items.length - MOST} more`));
    element.append(more);
  }
  return element;
}
