/** An EnvoyFilter as patches that can be applied: values read as Envoy's messages, or refused with the place. */
import {
  type Diagnostic,
  type EnvoyConfigObjectMatch,
  type EnvoyFilter,
  type MeshObject,
  objectKey,
  originOf,
} from "@heddle/model";
import { type EnvoyApi, type Fields, isWrongValue } from "./envoy-api.ts";

/** What a patch does, after Istio's readings of what people leave out. */
export type Operation =
  | "MERGE"
  | "MERGE_AND_REPLACE_LIST"
  | "ADD"
  | "REMOVE"
  | "INSERT_BEFORE"
  | "INSERT_AFTER"
  | "INSERT_FIRST"
  | "REPLACE";

export type PatchTarget = keyof typeof TARGETS;

export interface Patch {
  /** Key of the EnvoyFilter. */
  readonly object: string;
  readonly applyTo: PatchTarget;
  readonly operation: Operation;
  readonly match: EnvoyConfigObjectMatch;
  /** Canonical; empty for REMOVE. */
  readonly value: Fields;
}

export interface CompiledFilter {
  /** The object's key. */
  readonly key: string;
  readonly patches: readonly Patch[];
}

interface Target {
  /** The message that a patch's value is part of. */
  readonly message: string;
  readonly operations: readonly Operation[];
  /** Operations that place something among its like, where there is no order to keep. */
  readonly insertIsAdd?: true;
}

const ELEMENT: readonly Operation[] = [
  "MERGE",
  "MERGE_AND_REPLACE_LIST",
  "ADD",
  "REMOVE",
  "INSERT_BEFORE",
  "INSERT_AFTER",
  "INSERT_FIRST",
  "REPLACE",
];
const WHOLE: readonly Operation[] = ["MERGE", "MERGE_AND_REPLACE_LIST", "ADD", "REMOVE"];
const MERGES: readonly Operation[] = ["MERGE", "MERGE_AND_REPLACE_LIST"];

const TARGETS = {
  LISTENER: {
    message: "envoy.config.listener.v3.Listener",
    operations: WHOLE,
    insertIsAdd: true,
  },
  LISTENER_FILTER: {
    message: "envoy.config.listener.v3.ListenerFilter",
    operations: ELEMENT.filter((operation) => !MERGES.includes(operation)),
  },
  FILTER_CHAIN: {
    message: "envoy.config.listener.v3.FilterChain",
    operations: WHOLE,
    insertIsAdd: true,
  },
  NETWORK_FILTER: { message: "envoy.config.listener.v3.Filter", operations: ELEMENT },
  HTTP_FILTER: {
    message: "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
    operations: ELEMENT,
  },
  ROUTE_CONFIGURATION: {
    message: "envoy.config.route.v3.RouteConfiguration",
    operations: MERGES,
  },
  VIRTUAL_HOST: {
    message: "envoy.config.route.v3.VirtualHost",
    operations: [...WHOLE, "REPLACE"],
    insertIsAdd: true,
  },
  HTTP_ROUTE: {
    message: "envoy.config.route.v3.Route",
    operations: ELEMENT.filter((operation) => operation !== "REPLACE"),
  },
  CLUSTER: { message: "envoy.config.cluster.v3.Cluster", operations: WHOLE, insertIsAdd: true },
  EXTENSION_CONFIG: {
    message: "envoy.config.core.v3.TypedExtensionConfig",
    operations: ["ADD"],
    insertIsAdd: true,
  },
  BOOTSTRAP: { message: "envoy.config.bootstrap.v3.Bootstrap", operations: MERGES },
} as const satisfies Readonly<Record<string, Target>>;

const INSERTS: ReadonlySet<string> = new Set(["INSERT_BEFORE", "INSERT_AFTER", "INSERT_FIRST"]);

export function messageOf(target: PatchTarget): string {
  return TARGETS[target].message;
}

export interface Compilation {
  readonly filter: CompiledFilter;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * An object with a wrong value is left out as a whole: half of what somebody meant may be worse than nothing. An operation
 * that does nothing at its place is told, and its patch alone is left out.
 */
export function compileEnvoyFilter(
  key: string,
  object: MeshObject<EnvoyFilter>,
  api: EnvoyApi,
): Compilation {
  const origin = originOf(object);
  const diagnostics: Diagnostic[] = [];
  const patches: Patch[] = [];
  for (const [index, config] of (object.spec.configPatches ?? []).entries()) {
    const at = `spec.configPatches[${index}]`;
    const applyTo = config.applyTo ?? "INVALID";
    const asked = config.patch?.operation ?? "INVALID";
    if (!isTarget(applyTo) || asked === "INVALID") {
      diagnostics.push(
        noEffect(origin, at, "a patch needs applyTo, and patch with an operation", "Add both."),
      );
      continue;
    }
    const target: Target = TARGETS[applyTo];
    const operation = target.insertIsAdd && INSERTS.has(asked) ? "ADD" : asked;
    if (!target.operations.includes(operation)) {
      diagnostics.push(
        noEffect(
          origin,
          `${at}.patch.operation`,
          `${asked} does nothing to ${applyTo}`,
          `Use one of ${target.operations.join(", ")}.`,
        ),
      );
      continue;
    }
    try {
      const value =
        operation === "REMOVE" ? {} : api.canonical(target.message, config.patch?.value ?? {});
      patches.push({ object: key, applyTo, operation, match: config.match ?? {}, value });
    } catch (error) {
      diagnostics.push(wrongValue(origin, `${at}.patch.value`, error));
    }
  }
  const refused = diagnostics.some(({ level }) => level === "Error");
  return { filter: { key, patches: refused ? [] : patches }, diagnostics };
}

/** What is wrong with an EnvoyFilter that its schema cannot find. */
export function checkEnvoyFilter(
  object: MeshObject<EnvoyFilter>,
  api: EnvoyApi,
): readonly Diagnostic[] {
  return compileEnvoyFilter(objectKey(object), object, api).diagnostics;
}

function isTarget(name: string): name is PatchTarget {
  return Object.hasOwn(TARGETS, name);
}

function noEffect(origin: string, path: string, message: string, remedy: string): Diagnostic {
  return { code: "HDL4004", level: "Warning", message, origin, path, remedy };
}

function wrongValue(origin: string, at: string, error: unknown): Diagnostic {
  const known = isWrongValue(error);
  const inner = known ? error.path : "";
  return {
    code: "HDL4003",
    level: "Error",
    message: known ? error.problem : `is no such message: ${String(error)}`,
    origin,
    path: inner === "" || inner.startsWith("[") ? `${at}${inner}` : `${at}.${inner}`,
    remedy: known ? sentence(error.remedy) : "Compare the value with Envoy's API.",
  };
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? "" : "."}`;
}
