// What the reader looks at. One object; views are told when it changes.

import type {State} from "./document";

export interface Looking {
  selected: string | null;
  edge: number | null;
  /** The service that is supposed to be in an attacker's hands. */
  compromised: string | null;
  withPolicies: boolean;
  query: string;
  hiddenNamespaces: ReadonlySet<string>;
  hiddenStates: ReadonlySet<State>;
  hiddenKinds: ReadonlySet<string>;
}

export class Store {
  private readonly listeners: ((now: Looking, before: Looking) => void)[] = [];
  now: Looking = {
    selected: null,
    edge: null,
    compromised: null,
    withPolicies: true,
    query: "",
    hiddenNamespaces: new Set(),
    hiddenStates: new Set(),
    hiddenKinds: new Set(),
  };

  set(change: Partial<Looking>): void {
    const before = this.now;
    this.now = {...before, ...change};
    for (const listener of this.listeners) listener(this.now, before);
  }

  watch(listener: (now: Looking, before: Looking) => void): void {
    this.listeners.push(listener);
  }
}
