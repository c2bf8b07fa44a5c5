/** What Kubernetes' API refuses in an Ingress and its schema cannot say, whichever controller it is for. */
import type { Ingress, IngressBackend, IngressPath } from "../kinds/ingress.ts";
import { isDnsName, isIpAddress, isServiceName } from "./names.ts";
import { joinPath, type Report } from "./report.ts";

export function checkIngress(spec: Ingress, report: Report): void {
  const { defaultBackend, rules, tls, ingressClassName } = spec;
  if (defaultBackend === undefined && !rules?.length) {
    report({
      code: "HDL0023",
      path: "spec",
      message: "an Ingress has neither rules nor a defaultBackend",
      remedy: "Give it at least one of the two.",
    });
  }
  if (ingressClassName !== undefined && !isDnsName(ingressClassName)) {
    badName("spec.ingressClassName", ingressClassName, "an IngressClass", report);
  }
  if (defaultBackend) checkBackend(defaultBackend, "spec.defaultBackend", report);
  for (const [position, { hosts = [], secretName }] of (tls ?? []).entries()) {
    const at = joinPath("spec.tls", position);
    for (const [index, host] of hosts.entries()) {
      checkHost(host, joinPath(`${at}.hosts`, index), report);
    }
    if (secretName && !isDnsName(secretName)) {
      badName(`${at}.secretName`, secretName, "a Secret", report);
    }
  }
  for (const [position, { host, http }] of (rules ?? []).entries()) {
    const at = joinPath("spec.rules", position);
    if (host) checkHost(host, `${at}.host`, report);
    for (const [index, path] of (http?.paths ?? []).entries()) {
      const here = joinPath(`${at}.http.paths`, index);
      checkPath(path, here, report);
      checkBackend(path.backend, `${here}.backend`, report);
    }
  }
}

/** A DNS name in lower case, or `*.` and one. */
function checkHost(host: string, path: string, report: Report): void {
  const name = host.startsWith("*.") ? host.slice(2) : host;
  if (isDnsName(name) && !isIpAddress(name)) return;
  report({
    code: "HDL0020",
    path,
    message: isIpAddress(host)
      ? `"${host}" is an address, and an Ingress is for host names`
      : `"${host}" is no host name of an Ingress`,
    remedy: "Write a DNS name in lower case, perhaps with *. in front.",
  });
}

/** Parts that a path may not have: what they stand for is read differently from proxy to proxy. */
const NEVER_INSIDE = ["//", "/./", "/../", "%2f", "%2F"];
const NEVER_LAST = ["/..", "/."];

function checkPath({ path = "", pathType }: IngressPath, at: string, report: Report): void {
  const refuse = (message: string) =>
    report({ code: "HDL0036", path: `${at}.path`, message, remedy: "Write it as /a or /a/b." });
  const open = pathType === "ImplementationSpecific";
  if (!path.startsWith("/") && !(open && path === "")) {
    return refuse(`the path "${path}" does not begin with /`);
  }
  if (open) return;
  const bad =
    NEVER_INSIDE.find((part) => path.includes(part)) ??
    NEVER_LAST.find((part) => path.endsWith(part));
  if (bad !== undefined) refuse(`the path "${path}" may not have ${bad} in it`);
}

function checkBackend({ service, resource }: IngressBackend, at: string, report: Report): void {
  if ((service === undefined) === (resource === undefined)) {
    report({
      code: service ? "HDL0022" : "HDL0023",
      path: at,
      message: service
        ? "a backend is a service or a resource, and not both"
        : "a backend names neither a service nor a resource",
      remedy: "Name a service with its port.",
    });
    return;
  }
  if (service === undefined) return;
  if (!isServiceName(service.name)) {
    badName(`${at}.service.name`, service.name, "a Service", report);
  }
  const { name, number } = service.port ?? {};
  if ((name === undefined || name === "") !== (number === undefined)) return;
  report({
    code: number === undefined ? "HDL0023" : "HDL0022",
    path: `${at}.service.port`,
    message:
      number === undefined
        ? "the port of a service is missing"
        : "a port is given by name and by number",
    remedy: "Give port.number or port.name.",
  });
}

function badName(path: string, name: string, what: string, report: Report): void {
  report({ code: "HDL0017", path, message: `"${name}" cannot name ${what}` });
}
