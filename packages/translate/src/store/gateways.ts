/** Which Gateways a workload serves, by the labels that their selectors ask for. */
import { byAge, compareText, type Gateway, labelsMatch, type MeshObject } from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

type Labels = Readonly<Record<string, string>>;

/** Gateways are filed under one pair of their selector; those without a selector under this. */
const EVERY_WORKLOAD = "";

export class Gateways implements ModelIndex {
  readonly kinds = ["networking.istio.io/Gateway"];
  readonly #byLabel = new Multimap<MeshObject<Gateway>>(byAge);
  readonly #filed: Tracked<readonly MeshObject<Gateway>[]>;

  constructor(claims: Claims) {
    this.#filed = new Tracked(claims, "model/gateways", (pair) => this.#byLabel.get(pair));
  }

  /** Gateways of any namespace whose selector picks these labels, oldest first. */
  selecting(labels: Labels): readonly MeshObject<Gateway>[] {
    const found = [...this.#filed.read(EVERY_WORKLOAD)];
    for (const [key, value] of Object.entries(labels)) {
      for (const gateway of this.#filed.read(pairText(key, value))) {
        if (labelsMatch(gateway.spec.selector, labels)) found.push(gateway);
      }
    }
    return found.toSorted(byAge);
  }

  change(before: MeshObject<Gateway> | undefined, after: MeshObject<Gateway> | undefined): void {
    if (before !== undefined) this.#file(before, "remove");
    if (after !== undefined) this.#file(after, "add");
  }

  flush(): void {
    this.#filed.flush();
  }

  #file(gateway: MeshObject<Gateway>, verb: "add" | "remove"): void {
    const [first] = Object.entries(gateway.spec.selector ?? {}).toSorted(([a], [b]) =>
      compareText(a, b),
    );
    const pair = first === undefined ? EVERY_WORKLOAD : pairText(...first);
    this.#byLabel[verb](pair, gateway);
    this.#filed.touch(pair);
  }
}

function pairText(key: string, value: string): string {
  return `${key}=${value}`;
}
