/** What every proxy of a random mesh gets, as data that can be compared. */
import { canonical, merge } from "@heddle/envoy";
import { type MeshObject, objectKey } from "@heddle/model";
import { createTranslator, type ProxyView, type Translator } from "../index.ts";
import type { Change } from "../overlay.ts";
import { ANY_MESH } from "./mesh.ts";
import { PROXIES } from "./random-mesh.ts";

export const TYPES = ["cluster", "endpoint", "extension", "listener", "route", "secret"] as const;
const KEYS = "keys https://issuer.test/keys";
const MODULE = JSON.stringify(["file:///module.wasm", "", "", "", ""]);

export function started(): { translator: Translator; views: ProxyView[] } {
  const translator = createTranslator({ mesh: ANY_MESH, envoyApi: { canonical, merge } });
  translator.setWasmModule(MODULE, { state: "ready", bytes: "AGFzbQ==" });
  translator.setSigningKeys(KEYS, { state: "ready", jwks: '{"keys":[]}' });
  return { translator, views: PROXIES.map((proxy) => translator.view(proxy)) };
}

export function fromScratch(objects: readonly MeshObject[]): unknown {
  const { translator, views } = started();
  translator.apply(changesTo(objects));
  return views.map(snapshot);
}

export function changesTo(objects: readonly MeshObject[]): Change[] {
  return objects.map((each) => ({ key: objectKey(each), object: each }));
}

/** One change for each key: the last. */
export function unique(changes: readonly Change[]): Change[] {
  return [...new Map(changes.map((each) => [each.key, each])).values()];
}

/** As data, in a fixed order: maps are compared by what is in them, secrets by their names. */
export function snapshot(view: ProxyView): unknown {
  const all = TYPES.map((type) =>
    [...view.resources(type)]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => value ?? name),
  );
  return [...all, view.onDemand ? ASKED.map((name) => view.named("virtualHost", name)) : []];
}

/** What a sidecar may ask for, of services that are there at times, and of strangers. */
const ASKED = [
  "on-demand.80/one",
  "on-demand.80/one.a",
  "on-demand.80/two.b.svc.cluster.local",
  "on-demand.81/one.a.svc:81",
  "on-demand.80/x.test",
];
