/** What the status of each object of the cluster is to say, from the whole mesh and what is wrong with it. */
import { setImmediate } from "node:timers/promises";
import { analyze, gatewayApiStatusOf, ingressStatusOf, MeshIndex } from "@heddle/analysis";
import {
  canonicalJson,
  type Diagnostic,
  type MeshObject,
  originOf,
  type Revision,
} from "@heddle/model";
import type { Change } from "@heddle/translate";
import type { ObservedObject } from "../sources/kubernetes/observed.ts";
import { saysTheSame, type Stamp } from "./conditions.ts";
import { mergeGatewayApiStatus } from "./gateway-api.ts";
import { mergeValidation } from "./validation.ts";

/** Others get a turn after so many objects. */
const SLICE = 50;
/** Many, often another one, and nothing in a status depends on them. */
const NOT_READ: ReadonlySet<string> = new Set(["EndpointSlice"]);
/** Codes that conditions of the Gateway API say; a Gateway of Istio may have the name of one of theirs. */
const OF_CONDITIONS = /^HDL013\d$/;

export interface StatusSettings {
  readonly rootNamespace: string;
  readonly clusterDomain: string;
  readonly revision: Revision;
}

export interface StatusChange {
  readonly key: string;
  readonly object: ObservedObject;
  /** The whole status as it is to stand. */
  readonly status: ObservedObject["status"];
}

export interface WantedStatuses {
  /** Follows the model. Answers with whether any status may be another one now. */
  changed(changes: readonly Change[]): boolean;
  /** Objects of which the status does not say what it should. */
  look(
    observed: ReadonlyMap<string, ObservedObject>,
    diagnostics: readonly Diagnostic[],
  ): Promise<StatusChange[]>;
}

/** Begins with what the model holds. */
export function createWantedStatuses(
  objects: Iterable<MeshObject>,
  { rootNamespace, clusterDomain, revision }: StatusSettings,
): WantedStatuses {
  const index = new MeshIndex({ clusterDomain, revision });
  for (const object of objects) if (!NOT_READ.has(object.kind)) index.put(object);

  const statusOf = (
    key: string,
    { status: before, generation }: ObservedObject,
    told: ReadonlyMap<string, readonly Diagnostic[]>,
  ): ObservedObject["status"] | undefined => {
    const object = index.entry(key)?.object;
    if (!object) return undefined;
    const stamp: Stamp = { generation, now: timeOf(Date.now()) };
    if (key.startsWith("gateway.networking.")) {
      const wanted = gatewayApiStatusOf(index, key, { whole: true });
      return wanted && mergeGatewayApiStatus(before, wanted, stamp);
    }
    if (object.kind === "Ingress") {
      const wanted = ingressStatusOf(index, key, rootNamespace);
      return wanted && { ...before, ...wanted };
    }
    const only = new Set([key]);
    const found = analyze(index, { only, rootNamespace, force: true });
    const others = (told.get(originOf(object)) ?? []).filter(
      ({ code, message }) => !found.some((each) => each.code === code && each.message === message),
    );
    return mergeValidation(before, [...found, ...others], stamp);
  };
  return {
    changed(changes) {
      let matters = false;
      for (const { key, object: after } of changes) {
        const object = after as MeshObject | null;
        const before = index.entry(key)?.object;
        if (NOT_READ.has((object ?? before)?.kind ?? "")) continue;
        if (object) index.put(object);
        else index.remove(key);
        // Of pods only their labels say anything: they come and go ready all the time.
        const isPod = (object ?? before)?.kind === "Pod";
        if (!isPod || !before || !object || !sameLabels(before, object)) matters = true;
      }
      return matters;
    },
    async look(observed, diagnostics) {
      const told = Map.groupBy(
        diagnostics.filter(({ code }) => !OF_CONDITIONS.test(code)),
        ({ origin }) => origin,
      );
      const changes: StatusChange[] = [];
      let count = 0;
      for (const [key, object] of observed) {
        if (++count % SLICE === 0) await setImmediate();
        if (!object.inForce) continue;
        const status = statusOf(key, object, told);
        if (status && !saysTheSame(status, object.status)) changes.push({ key, object, status });
      }
      return changes;
    },
  };
}

function sameLabels(a: MeshObject, b: MeshObject): boolean {
  return canonicalJson(a.metadata.labels) === canonicalJson(b.metadata.labels);
}

/** Whole seconds, as Kubernetes has times. */
function timeOf(wall: number): string {
  return new Date(wall).toISOString().replace(/\.\d+Z$/, "Z");
}
