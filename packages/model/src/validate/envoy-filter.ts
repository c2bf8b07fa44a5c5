/** Rules of an EnvoyFilter that its schema cannot say: what is patched, what is matched, and how these fit. */
import type {
  ApplyTo,
  EnvoyConfigObjectMatch,
  EnvoyConfigObjectPatch,
  EnvoyFilter,
  FilterMatch,
} from "../kinds/envoy-filter.ts";
import { checkPort } from "./match.ts";
import { checkOnlyOne, checkReferences } from "./policy-target.ts";
import { regexError } from "./re2.ts";
import type { Report } from "./report.ts";
import { checkWorkloadLabels } from "./selector.ts";
import { OLD_FILTER_NAMES } from "./words.ts";

export function checkEnvoyFilter(spec: EnvoyFilter, report: Report): void {
  checkOnlyOne(spec, ["workloadSelector", "targetRefs"], report);
  if (spec.workloadSelector) {
    checkWorkloadLabels(spec.workloadSelector, "spec.workloadSelector", report);
  }
  checkReferences(spec.targetRefs, report);
  for (const [index, patch] of (spec.configPatches ?? []).entries()) {
    checkPatch(patch, `spec.configPatches[${index}]`, report);
  }
}

function checkPatch(item: EnvoyConfigObjectPatch, path: string, report: Report): void {
  const { applyTo = "INVALID", match, patch } = item;
  if (match) checkObjectMatch(match, `${path}.match`, report);
  if (applyTo === "INVALID") {
    report({
      code: "HDL0012",
      path: `${path}.applyTo`,
      message: "applyTo is required",
      remedy: "Say what the patch applies to, such as HTTP_FILTER or CLUSTER.",
    });
  }
  const { operation = "INVALID", value } = patch ?? {};
  if (!patch) report({ code: "HDL0012", path: `${path}.patch`, message: "patch is required" });
  else if (operation === "INVALID") {
    const at = `${path}.patch.operation`;
    report({ code: "HDL0012", path: at, message: "operation is required" });
  } else if (operation !== "REMOVE" && value === undefined) {
    report({
      code: "HDL0012",
      path: `${path}.patch.value`,
      message: `value is required: operation ${operation} does nothing without it`,
    });
  }
  if (match) {
    checkProxyVersion(match, `${path}.match`, report);
    checkFit(applyTo, match, `${path}.match`, report);
  }
}

const OBJECTS = ["listener", "routeConfiguration", "cluster", "waypoint"] as const;

function checkObjectMatch(match: EnvoyConfigObjectMatch, path: string, report: Report): void {
  const present = OBJECTS.filter((field) => match[field] !== undefined);
  if (present.length > 1) {
    report({
      code: "HDL0022",
      path,
      message: `${present.join(" and ")} exclude each other`,
      remedy: `Keep one of ${present.join(", ")}.`,
    });
  }
  const waypoint = match.context === "WAYPOINT";
  if (match.waypoint && !waypoint) {
    report({
      code: "HDL0022",
      path: `${path}.waypoint`,
      message: `match.waypoint is supported only when context is WAYPOINT, not ${match.context ?? "ANY"}`,
      remedy: "Set context: WAYPOINT, or match a listener, a routeConfiguration or a cluster.",
    });
  } else if (waypoint && !match.waypoint) {
    report({
      code: "HDL0012",
      path: `${path}.waypoint`,
      message: "context WAYPOINT supports and needs match.waypoint only",
      remedy: "Add waypoint, which may be {}.",
    });
  }
  const port = match.waypoint?.portNumber;
  if (port !== undefined) checkPort(port, `${path}.waypoint.portNumber`, report);
}

/** Istio's limit, above which it passes over the whole match. */
const MAX_VERSION_LENGTH = 1024;

function checkProxyVersion(match: EnvoyConfigObjectMatch, path: string, report: Report): void {
  const version = match.proxy?.proxyVersion;
  if (!version) return;
  const at = `${path}.proxy.proxyVersion`;
  if (version.length > MAX_VERSION_LENGTH) {
    const message = `proxyVersion has ${version.length} characters (${MAX_VERSION_LENGTH} at most)`;
    report({ code: "HDL0021", level: "Warning", path: at, message });
    return;
  }
  const wrong = regexError(version);
  if (wrong) report({ code: "HDL0021", path: at, message: `proxyVersion: ${wrong}` });
}

const LISTENER_CLASS: ReadonlySet<ApplyTo> = new Set([
  "LISTENER",
  "FILTER_CHAIN",
  "NETWORK_FILTER",
  "HTTP_FILTER",
]);
const ROUTE_CLASS: ReadonlySet<ApplyTo> = new Set([
  "ROUTE_CONFIGURATION",
  "VIRTUAL_HOST",
  "HTTP_ROUTE",
]);

/** What is matched has to be what the patch applies to, or something around it. */
function checkFit(
  applyTo: ApplyTo,
  match: EnvoyConfigObjectMatch,
  path: string,
  report: Report,
): void {
  if (match.context === "WAYPOINT") return;
  const needed = LISTENER_CLASS.has(applyTo)
    ? "listener"
    : ROUTE_CLASS.has(applyTo)
      ? "routeConfiguration"
      : applyTo === "CLUSTER"
        ? "cluster"
        : undefined;
  const present = OBJECTS.find((field) => match[field] !== undefined);
  if (needed !== undefined && present !== undefined && match[needed] === undefined) {
    report({
      code: "HDL0022",
      path: `${path}.${present}`,
      message: `applyTo ${applyTo} cannot have a ${present} match`,
      remedy: `Match a ${needed}, or leave ${present} out.`,
    });
    return;
  }
  const filter = match.listener?.filterChain?.filter;
  if (needed === "listener" && filter) {
    checkFilterMatch(applyTo, filter, `${path}.listener.filterChain.filter`, report);
  }
}

const CONNECTION_MANAGERS: ReadonlySet<string> = new Set([
  "envoy.filters.network.http_connection_manager",
  "envoy.http_connection_manager",
]);

function checkFilterMatch(
  applyTo: ApplyTo,
  { name = "", subFilter }: FilterMatch,
  path: string,
  report: Report,
): void {
  if (applyTo === "LISTENER" || applyTo === "FILTER_CHAIN") {
    const message = `a filter match has no effect with applyTo ${applyTo}`;
    report({ code: "HDL0032", path, message });
  }
  if (name === "") {
    report({ code: "HDL0012", path: `${path}.name`, message: "a filter match has no name" });
  } else if (subFilter && applyTo !== "HTTP_FILTER") {
    report({
      code: "HDL0022",
      path: `${path}.subFilter`,
      message: `a subFilter match is for applyTo HTTP_FILTER only, not for ${applyTo}`,
    });
  } else if (subFilter && !CONNECTION_MANAGERS.has(name)) {
    report({
      code: "HDL0022",
      path: `${path}.name`,
      message: "a subFilter match needs the filter envoy.filters.network.http_connection_manager",
    });
  } else if (subFilter && !subFilter.name) {
    const at = `${path}.subFilter.name`;
    report({ code: "HDL0012", path: at, message: "a subFilter match has no name" });
  }
  for (const [at, old] of [
    [`${path}.name`, name],
    [`${path}.subFilter.name`, subFilter?.name ?? ""],
  ] as const) {
    const now = OLD_FILTER_NAMES.get(old);
    if (now === undefined) continue;
    report({
      code: "HDL0031",
      path: at,
      message: `${old} is an old name of ${now}`,
      remedy: `Use ${now}.`,
    });
  }
}
