/** Rules of a VirtualService that its schema cannot say: hosts, gateways, and what may stand together. */
import { matchedClaim } from "../claims.ts";
import { hostMatches } from "../host.ts";
import type {
  L4MatchAttributes,
  RouteDestination,
  TLSMatchAttributes,
  VirtualService,
} from "../kinds/virtual-service.ts";
import { checkDestination, checkWeights } from "./destination.ts";
import { checkExportTo } from "./export-to.ts";
import { checkHttpRoute } from "./http-route.ts";
import { checkLabels, checkPort } from "./match.ts";
import { domainError, hostError, isIpAddress, isRuleLabel, isSubnet } from "./names.ts";
import type { Report } from "./report.ts";

export function checkVirtualService(spec: VirtualService, namespace: string, report: Report): void {
  const { hosts = [], gateways = [], http = [], tls = [], tcp = [] } = spec;
  const delegate = hosts.length === 0;
  if (delegate) checkDelegate(spec, report);
  checkGatewayNames(gateways, "spec.gateways", report);
  const mesh = gateways.length === 0 || gateways.includes("mesh");
  const passesOn =
    !mesh && tls.some(({ match }) => match.some(({ sniHosts }) => sniHosts.length > 0));
  checkHosts(hosts, { mesh, passesOn }, report);
  if (http.length + tls.length + tcp.length === 0) {
    report({
      code: "HDL0023",
      path: "spec",
      message: "a VirtualService has no routes",
      remedy: "Add http, tls or tcp routes.",
    });
  }
  for (const [index, route] of http.entries()) {
    const path = `spec.http[${index}]`;
    checkHttpRoute(route, path, delegate, report);
    for (const [position, match] of (route.match ?? []).entries()) {
      const at = `${path}.match[${position}]`;
      checkGatewayNames(match.gateways ?? [], `${at}.gateways`, report);
      const claim = Object.keys({ ...match.headers, ...match.withoutHeaders }).find(
        (name) => matchedClaim(name) !== undefined,
      );
      if (claim !== undefined && mesh) {
        report({
          code: "HDL0032",
          level: "Error",
          path: `${at}.headers`,
          message: `${claim} can be matched at gateways only, and the rule is for sidecars too`,
          remedy: "Name gateways in spec.gateways, and not mesh.",
        });
      }
    }
  }
  for (const [index, route] of tls.entries()) {
    const path = `spec.tls[${index}]`;
    if (route.match.length === 0) {
      report({ code: "HDL0023", path: `${path}.match`, message: "a TLS route matches nothing" });
    }
    for (const [position, match] of route.match.entries()) {
      checkTlsMatch(match, { hosts, mesh }, `${path}.match[${position}]`, report);
    }
    checkRoute(route.route, `${path}.route`, report);
  }
  for (const [index, route] of tcp.entries()) {
    const path = `spec.tcp[${index}]`;
    for (const [position, match] of (route.match ?? []).entries()) {
      checkL4Match(match, `${path}.match[${position}]`, report);
    }
    checkRoute(route.route, `${path}.route`, report);
  }
  checkExportTo(spec.exportTo, namespace, report);
}

/** A rule without hosts is a part that others delegate to. */
function checkDelegate(spec: VirtualService, report: Report): void {
  for (const field of ["gateways", "tls", "tcp"] as const) {
    if ((spec[field] ?? []).length === 0) continue;
    report({
      code: "HDL0022",
      path: `spec.${field}`,
      message: `a VirtualService without hosts is a delegate, and cannot have ${field}`,
      remedy: "Add hosts, or leave it out.",
    });
  }
}

/** `passesOn`: the rule is for gateways that pass TLS on, whose names for clusters may stand here too. */
function checkHosts(
  hosts: readonly string[],
  { mesh, passesOn }: { mesh: boolean; passesOn: boolean },
  report: Report,
): void {
  let valid = true;
  for (const [index, host] of hosts.entries()) {
    const path = `spec.hosts[${index}]`;
    const wrong = isIpAddress(host) ? undefined : ruleHostError(host, passesOn);
    if (wrong) report({ code: "HDL0020", path, message: wrong });
    else if (mesh && host === "*") {
      report({
        code: "HDL0020",
        path,
        message: "host * is not allowed for a rule that sidecars use",
        remedy: "Name the hosts, or bind the rule to gateways only.",
      });
    } else continue;
    valid = false;
  }
  if (!valid) return;
  for (const [index, host] of hosts.entries()) {
    const twin = hosts
      .slice(0, index)
      .find((other) => hostMatches(host, other) || hostMatches(other, host));
    if (twin === undefined) continue;
    const message =
      twin === host ? `host ${host} stands twice` : `hosts ${twin} and ${host} cover each other`;
    report({ code: "HDL0029", path: `spec.hosts[${index}]`, message });
  }
}

function checkGatewayNames(gateways: readonly string[], path: string, report: Report): void {
  for (const [index, gateway] of gateways.entries()) {
    const at = `${path}[${index}]`;
    const [namespace = "", name, ...rest] = gateway.split("/");
    if (name === undefined) {
      const wrong = domainError(gateway);
      if (wrong) report({ code: "HDL0020", path: at, message: wrong });
      else if (gateway.includes(".")) {
        const [own = "", other = ""] = gateway.split(".");
        report({
          code: "HDL0031",
          path: at,
          message: `"${gateway}" names a gateway in the old way`,
          remedy: `Write ${other}/${own}.`,
        });
      }
    } else if (rest.length > 0 || !isRuleLabel(namespace) || !isRuleLabel(name)) {
      report({
        code: "HDL0020",
        path: at,
        message: `"${gateway}" is not a gateway's name`,
        remedy: "Write name, or namespace/name.",
      });
    }
  }
}

/** Names that gateways of mode AUTO_PASSTHROUGH know clusters by: `outbound_.80_._.reviews.default`. */
const CLUSTER_NAME = /^outbound_[^_]*\d[^_]*_[^_]*_[^_]*[a-zA-Z][^_]*/;

function ruleHostError(host: string, passesOn: boolean): string | undefined {
  if (!passesOn || !host.startsWith("outbound_")) return hostError(host);
  return CLUSTER_NAME.test(host)
    ? undefined
    : `"${host}" is not of the form outbound_.<port>_._.<host>`;
}

function checkTlsMatch(
  match: TLSMatchAttributes,
  { hosts, mesh }: { hosts: readonly string[]; mesh: boolean },
  path: string,
  report: Report,
): void {
  if (match.sniHosts.length === 0) {
    report({ code: "HDL0023", path: `${path}.sniHosts`, message: "sniHosts is empty" });
  }
  for (const [index, sni] of match.sniHosts.entries()) {
    const at = `${path}.sniHosts[${index}]`;
    if (isIpAddress(sni)) {
      report({
        code: "HDL0032",
        path: at,
        message: `${sni} is an address, which clients do not send as SNI`,
      });
      continue;
    }
    const wrong = ruleHostError(sni, !mesh);
    if (wrong) report({ code: "HDL0020", path: at, message: wrong });
    else if (!hosts.some((host) => hostMatches(host, sni))) {
      report({
        code: "HDL0020",
        path: at,
        message: `SNI host ${sni} is covered by none of the rule's hosts`,
        remedy: "Add it to spec.hosts.",
      });
    }
  }
  checkL4Match(match, path, report);
}

function checkL4Match(
  match: L4MatchAttributes | TLSMatchAttributes,
  path: string,
  report: Report,
): void {
  for (const [index, subnet] of (match.destinationSubnets ?? []).entries()) {
    if (isSubnet(subnet)) continue;
    const at = `${path}.destinationSubnets[${index}]`;
    report({ code: "HDL0028", path: at, message: `"${subnet}" is no address or subnet` });
  }
  if (match.port) checkPort(match.port, `${path}.port`, report);
  checkLabels(match.sourceLabels, `${path}.sourceLabels`, report);
  checkGatewayNames(match.gateways ?? [], `${path}.gateways`, report);
}

function checkRoute(
  route: readonly RouteDestination[] | undefined,
  path: string,
  report: Report,
): void {
  if (route === undefined || route.length === 0) {
    return report({ code: "HDL0023", path, message: "a route has no destination" });
  }
  for (const [index, { destination }] of route.entries()) {
    checkDestination(destination, `${path}[${index}].destination`, report);
  }
  checkWeights(route, path, report);
}
