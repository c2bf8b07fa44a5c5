/** What the lists of an authorization rule may hold: addresses, ports, accounts, paths, names of attributes. */
import { isMatchableHeader } from "./header.ts";
import { isIpAddress, isSubnet } from "./names.ts";
import type { Report } from "./report.ts";

type Values = readonly string[];

/** Whether no value is empty. */
export function checkNotEmpty(values: Values, path: string, report: Report): boolean {
  const empty = values.indexOf("");
  if (empty < 0) return true;
  report({
    code: "HDL0023",
    path: `${path}[${empty}]`,
    message: `${lastName(path)} has an empty value, which matches nothing`,
    remedy: "Take it out.",
  });
  return false;
}

export function checkAddresses(values: Values, path: string, report: Report): void {
  for (const [index, value] of values.entries()) {
    if (value.includes("/") ? isSubnet(value) : isIpAddress(value)) continue;
    const what = value.includes("/") ? "a CIDR range" : "an IP address";
    const message = `"${value}" is not ${what}`;
    report({
      code: "HDL0028",
      path: `${path}[${index}]`,
      message,
      remedy: "Write it like 10.1.2.3 or 10.1.0.0/16.",
    });
  }
}

export function checkPorts(values: Values, path: string, report: Report): void {
  for (const [index, value] of values.entries()) {
    if (/^\d+$/.test(value) && Number(value) <= 65535) continue;
    report({
      code: "HDL0014",
      path: `${path}[${index}]`,
      message: `"${value}" is not a port`,
      remedy: 'Give ports as text, each a number up to 65535: ["80"].',
    });
  }
}

export function checkServiceAccounts(values: Values, path: string, report: Report): void {
  if (!checkNotEmpty(values, path, report)) return;
  if (values.length > 16) {
    const message = `${lastName(path)} may not have more than 16 values`;
    report({ code: "HDL0014", path, message });
  }
  for (const [index, value] of values.entries()) {
    const wrong = accountError(value);
    if (wrong === undefined) continue;
    report({
      code: "HDL0036",
      path: `${path}[${index}]`,
      message: `"${value.slice(0, 80)}" ${wrong}`,
      remedy: "Write it as serviceAccount or namespace/serviceAccount.",
    });
  }
}

function accountError(value: string): string | undefined {
  if (value.includes("*")) return "has a wildcard, which is not allowed for service accounts";
  if (value.length > 320) return "is too long for a service account (320 characters at most)";
  const parts = value.split("/");
  if (parts.length > 2) return "is not of the form serviceAccount or namespace/serviceAccount";
  if (parts.length === 2 && parts[0] === "") return "has an empty namespace";
  return parts.at(-1) === "" ? "has an empty service account" : undefined;
}

/** Whole, by prefix, by suffix, or any. `slashes`: as values of a condition, where they are not looked for. */
export function checkTrustDomains(
  values: Values,
  path: string,
  report: Report,
  slashes = false,
): void {
  if (!checkNotEmpty(values, path, report)) return;
  for (const [index, value] of values.entries()) {
    const stars = value.split("*").length - 1;
    const inside = stars === 1 && !value.startsWith("*") && !value.endsWith("*");
    const message =
      stars > 1
        ? `"${value}" has more than one wildcard`
        : inside
          ? `"${value}" has a wildcard that is neither at the start nor at the end`
          : value.includes("/") && !slashes
            ? `a trust domain must not contain "/": "${value}"`
            : undefined;
    if (message) report({ code: "HDL0036", path: `${path}[${index}]`, message });
  }
}

/** `{*}` is one segment of a path, `{**}`, which has to be the last, any number. */
export function checkPathTemplates(values: Values, path: string, report: Report): void {
  for (const [index, value] of values.entries()) {
    const wrong = templateError(value);
    if (wrong === undefined) continue;
    report({
      code: "HDL0036",
      path: `${path}[${index}]`,
      message: `path "${value}" ${wrong}`,
      remedy: "Write templates like /a/{*}/b or /a/{**}.",
    });
  }
}

// RFC 3986, appendix A: pchar.
const SEGMENT = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$/;

function templateError(value: string): string | undefined {
  const template = value.includes("{*}") || value.includes("{**}");
  // Envoy ends at once when it is given one of these.
  if (template && !value.startsWith("/")) return "is a template, and does not begin with /";
  if (template && value.includes("//")) return "is a template with an empty segment";
  let any = false;
  for (const segment of value.replaceAll(/^\/+|\/+$/g, "").split("/")) {
    const operator = segment === "{*}" || segment === "{**}";
    if (operator && any) return "has {**} before another operator: it has to be the last";
    if (segment === "{**}") any = true;
    if (operator) continue;
    if (/[{}]/.test(segment)) return "contains { or } beyond a template";
    if (template && !SEGMENT.test(segment)) {
      return `is a template, and its segment "${segment}" is not a literal`;
    }
  }
  return undefined;
}

const ATTRIBUTES: ReadonlySet<string> = new Set([
  "source.ip",
  "remote.ip",
  "source.namespace",
  "source.serviceAccount",
  "source.principal",
  "source.trustDomain",
  "request.auth.principal",
  "request.auth.audiences",
  "request.auth.presenter",
  "destination.ip",
  "destination.port",
  "connection.sni",
]);
const WITH_KEY = ["request.headers", "request.auth.claims", "experimental.envoy.filters."];
const REPLACED: readonly (readonly [name: string, by: string])[] = [
  ["destination.namespace", "metadata.namespace"],
  ["destination.labels", "the policy's selector"],
  ["destination.name", "the policy's selector"],
  ["destination.user", "the policy's selector"],
];

/** What is wrong with the name of an attribute; undefined when nothing is. */
export function attributeError(key: string): { message: string; remedy: string } | undefined {
  if (ATTRIBUTES.has(key)) return undefined;
  const prefix = WITH_KEY.find((name) => key.startsWith(name));
  if (prefix !== undefined) {
    const open = key.indexOf("[");
    const inside = key.slice(open + 1, -1);
    const remedy = `Write it like ${prefix}${prefix.endsWith(".") ? "name" : ""}[key].`;
    if (!key.endsWith("]") || open < 0 || inside === "") {
      return { message: `attribute ${key} has no key in brackets`, remedy };
    }
    // Envoy refuses a whole listener for names that cannot be.
    if (inside.split("][").includes("")) {
      return { message: `attribute ${key} has empty brackets`, remedy };
    }
    if (prefix === "request.headers" && !isMatchableHeader(inside)) {
      return { message: `attribute ${key} does not name a header`, remedy };
    }
    return undefined;
  }
  const replaced = REPLACED.find(([name]) =>
    name === "destination.labels" ? key.startsWith(name) : key === name,
  );
  if (replaced) {
    return {
      message: `attribute ${key} is replaced by ${replaced[1]}`,
      remedy: "Use that instead.",
    };
  }
  const remedy = `It is one of ${[...ATTRIBUTES, ...WITH_KEY.map((name) => `${name}[…]`)].join(", ")}.`;
  return { message: `attribute ${key} is not known`, remedy };
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}
