/** Conflicts in the merged model where no write was refused for them: of objects that came by kubectl, and of forced ones. */
import { analyze, MeshIndex } from "@heddle/analysis";
import { canonicalJson, type Diagnostic, kindOf, type MeshObject } from "@heddle/model";
import type { Change } from "@heddle/translate";

export interface MeshConflicts {
  /** Follows the model. */
  changed(changes: readonly Change[]): void;
  /** One finding for each object of a conflict; only what a change may concern is looked at again. */
  findings(settings: { rootNamespace: string; clusterDomain: string }): readonly Diagnostic[];
}

/** Kinds whose conflicts depend on which pods there are. */
const BY_POD: ReadonlySet<string> = new Set([
  "Gateway",
  "Sidecar",
  "Telemetry",
  "ProxyConfig",
  "PeerAuthentication",
  "OverloadPolicy",
  "RequestValidation",
  "DestinationRule",
]);

export function createMeshConflicts(): MeshConflicts {
  const rules = new Map<string, MeshObject>();
  const pods = new Map<string, MeshObject>();
  let settled: { readonly settings: string; readonly index: MeshIndex } | undefined;
  const findings = new Map<string, readonly Diagnostic[]>();
  const stale = new Set<string>();

  const touch = (key: string) => {
    stale.add(key);
    for (const rival of settled?.index.rivals(key) ?? []) stale.add(rival);
  };
  const begin = (clusterDomain: string, settings: string): MeshIndex => {
    const index = new MeshIndex({ clusterDomain });
    for (const object of [...pods.values(), ...rules.values()]) index.put(object);
    for (const key of rules.keys()) stale.add(key);
    settled = { settings, index };
    return index;
  };
  const put = (key: string, object: MeshObject | null) => {
    if (object) settled?.index.put(object);
    else settled?.index.remove(key);
  };
  return {
    changed(changes) {
      for (const { key, object: after } of changes) {
        const object = after as MeshObject | null;
        if (isRule(object ?? rules.get(key))) {
          touch(key);
          if (object) rules.set(key, object);
          else rules.delete(key);
          put(key, object);
          touch(key);
          if (key.includes("/IngressClass/"))
            for (const [rule, { kind }] of rules) if (kind === "Ingress") stale.add(rule);
        } else if (isPod(object ?? pods.get(key))) {
          const before = pods.get(key);
          if (object) pods.set(key, object);
          else pods.delete(key);
          put(key, object);
          if (labelsOf(before) === labelsOf(object ?? undefined)) continue;
          for (const [rule, { kind }] of rules) if (BY_POD.has(kind)) stale.add(rule);
        }
      }
    },
    findings({ rootNamespace, clusterDomain }) {
      const settings = `${rootNamespace} ${clusterDomain}`;
      const index = settled?.settings === settings ? settled.index : begin(clusterDomain, settings);
      if (stale.size > 0) {
        const options = { force: true, conflictsOnly: true, rootNamespace };
        for (const key of stale) {
          const found = analyze(index, { ...options, only: new Set([key]) });
          if (found.length > 0) findings.set(key, found);
          else findings.delete(key);
        }
        stale.clear();
      }
      return [...findings].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, found]) => found);
    },
  };
}

/** Ingresses are rules though Kubernetes has their kind; their class says whose they are. */
function isRule(object: MeshObject | undefined): boolean {
  if (object === undefined) return false;
  const { apiVersion, kind } = object;
  return (
    kind === "Ingress" || kind === "IngressClass" || kindOf(apiVersion, kind)?.foreign === false
  );
}

function isPod(object: MeshObject | undefined): boolean {
  return object?.kind === "Pod";
}

function labelsOf(object: MeshObject | undefined): string | undefined {
  return object && canonicalJson(object.metadata.labels);
}
