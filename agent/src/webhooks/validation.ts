/** The validating webhook without its server: what is wrong with a rule refuses it, and what it does to its mesh is a warning. */
import { isDeepStrictEqual } from "node:util";
import { analyze, MeshIndex } from "@heddle/analysis";
import { type AdmissionRequest, requestOf, reviewWith, warningOf } from "@heddle/injection";
import {
  type Diagnostic,
  groupOf,
  kindOf,
  type MeshObject,
  objectKey,
  parseObject,
} from "@heddle/model";
import type { Change } from "@heddle/translate";

export interface Validator {
  /** Follows the model. */
  changed(changes: readonly Change[]): void;
  /** The answer to an AdmissionReview; undefined where the value is none. Nothing comes of it but the answer. */
  review(value: unknown): object | undefined;
}

export interface ValidatorOptions {
  /** All of the mesh, asked once. */
  readonly objects: () => Iterable<MeshObject>;
  readonly settings: () => { readonly rootNamespace: string; readonly clusterDomain: string };
}

/** Warnings of one answer. kubectl prints each on a line of its own. */
const MOST_WARNINGS = 10;
/** Errors that a refusal lists; mending these may well mend the others. */
const MOST_ERRORS = 5;

interface Written {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: { readonly deletionTimestamp?: string; readonly name?: string };
  readonly spec?: unknown;
}

export function createValidator({ objects, settings }: ValidatorOptions): Validator {
  // Made when it is first asked for: many agents never are.
  let index: MeshIndex | undefined;
  const indexOf = (clusterDomain: string): MeshIndex => {
    if (index?.clusterDomain !== clusterDomain) {
      index = new MeshIndex({ clusterDomain });
      for (const object of objects()) index.put(object);
    }
    return index;
  };
  /** What the object does to the mesh as it is, which is the same afterwards. */
  const findings = (object: MeshObject): readonly Diagnostic[] => {
    const { rootNamespace, clusterDomain } = settings();
    const mesh = indexOf(clusterDomain);
    const key = objectKey(object);
    const before = mesh.entry(key)?.object;
    try {
      mesh.put(object);
      return analyze(mesh, { only: new Set([key]), force: true, rootNamespace });
    } finally {
      if (before) mesh.put(before);
      else mesh.remove(key);
    }
  };
  return {
    changed(changes) {
      for (const { key, object } of changes) {
        if (object) index?.put(object as MeshObject);
        else index?.remove(key);
      }
    },
    review(value) {
      const request = requestOf(value);
      if (!request) return undefined;
      const written = request.object as Written | null | undefined;
      const kind = written && kindOf(written.apiVersion, written.kind);
      if (!written || !kind || kind.foreign) return reviewWith({ uid: request.uid, allowed: true });
      const { object, diagnostics } = parseObject(written, {
        defaultNamespace: request.namespace ?? "default",
      });
      const errors = diagnostics.filter(({ level }) => level === "Error");
      if (errors.length > 0 && !isLeftAsItIs(request, written)) {
        const status = { code: 422, reason: "Invalid", message: refusal(errors) };
        return reviewWith({ uid: request.uid, allowed: false, status });
      }
      const warnings = [...diagnostics, ...(object ? findings(object) : [])].map(told);
      return reviewWith({
        uid: request.uid,
        allowed: true,
        ...(warnings.length > 0 ? { warnings: bounded(warnings) } : {}),
      });
    },
  };
}

/** What was bad before may still be labelled, and go: only its rules may not get worse. */
function isLeftAsItIs({ operation, oldObject }: AdmissionRequest, written: Written): boolean {
  if (operation !== "UPDATE") return false;
  const before = (oldObject ?? {}) as Partial<Written>;
  return (
    written.metadata?.deletionTimestamp !== undefined ||
    (groupOf(before.apiVersion ?? "") === groupOf(written.apiVersion) &&
      isDeepStrictEqual(before.spec, written.spec))
  );
}

function refusal(errors: readonly Diagnostic[]): string {
  const listed = errors.slice(0, MOST_ERRORS).map(({ code, message, path, remedy }) => {
    const place = path === undefined ? "" : ` (${path})`;
    return `${code} ${message}${place}.${remedy === undefined ? "" : ` ${remedy}`}`;
  });
  const more = errors.length - listed.length;
  return `heddle: ${listed.join(" ")}${more > 0 ? ` And ${more} more.` : ""}`;
}

function told({ code, message, path }: Diagnostic): string {
  const place = path === undefined ? "" : ` (${path})`;
  return warningOf(`${code} ${message}${place}`);
}

function bounded(warnings: readonly string[]): readonly string[] {
  if (warnings.length <= MOST_WARNINGS) return warnings;
  const more = warnings.length - (MOST_WARNINGS - 1);
  return [
    ...warnings.slice(0, MOST_WARNINGS - 1),
    `heddle: ${more} more findings; heddle analyze lists them`,
  ];
}
