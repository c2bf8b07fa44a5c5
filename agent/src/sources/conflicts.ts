/** What is wrong with the merged model as a whole where no write was refused for it: objects that came by kubectl, and forced ones. */
import { analyze, MeshIndex } from "@heddle/analysis";
import { type Diagnostic, kindOf, type MeshObject } from "@heddle/model";
import type { Change } from "@heddle/translate";

export interface MeshConflicts {
  /** Follows the model. */
  changed(changes: readonly Change[]): void;
  /** One finding for each object of a conflict; worked out when it is asked for after a change. */
  findings(settings: { rootNamespace: string; clusterDomain: string }): readonly Diagnostic[];
}

/** Conflicts that Istio's order settles. What one object has wrong by itself is found where it is read. */
const CONFLICTS: ReadonlySet<string> = new Set([
  "IST0109",
  "IST0110",
  "IST0111",
  "IST0145",
  "IST0159",
  "IST0160",
  "HDL0101",
  "HDL0103",
  "HDL0104",
  "HDL0105",
  "HDL0106",
]);

export function createMeshConflicts(): MeshConflicts {
  const objects = new Map<string, MeshObject>();
  let index: { readonly domain: string; readonly index: MeshIndex } | undefined;
  let found: { readonly root: string; readonly findings: readonly Diagnostic[] } | undefined;

  const indexFor = (domain: string): MeshIndex => {
    if (index?.domain === domain) return index.index;
    const made = new MeshIndex({ clusterDomain: domain });
    for (const object of objects.values()) made.put(object);
    index = { domain, index: made };
    return made;
  };
  return {
    changed(changes) {
      for (const { key, object } of changes) {
        const before = objects.get(key);
        if (object) objects.set(key, object);
        else objects.delete(key);
        if (object) index?.index.put(object);
        else index?.index.remove(key);
        if (matters(object ?? before)) found = undefined;
      }
    },
    findings({ rootNamespace, clusterDomain }) {
      if (found?.root === rootNamespace && index?.domain === clusterDomain) return found.findings;
      const mesh = indexFor(clusterDomain);
      const rules = new Set([...objects].flatMap(([key, object]) => (isRule(object) ? [key] : [])));
      const findings = analyze(mesh, { force: true, rootNamespace, only: rules }).filter(
        ({ code }) => CONFLICTS.has(code),
      );
      found = { root: rootNamespace, findings };
      return findings;
    },
  };
}

/** Conflicts are between rules, of which some meet at a pod. */
function matters(object: MeshObject<unknown> | null | undefined): boolean {
  return !!object && (object.kind === "Pod" || isRule(object));
}

function isRule({ apiVersion, kind }: MeshObject<unknown>): boolean {
  return kindOf(apiVersion, kind)?.foreign === false;
}
