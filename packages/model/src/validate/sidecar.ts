/** Rules of a Sidecar that its schema cannot say. */
import type {
  IstioEgressListener,
  IstioIngressListener,
  OutboundTrafficPolicy,
  Sidecar,
  SidecarPort,
} from "../kinds/sidecar.ts";
import { UNIX, checkBindAddress, checkDefaultEndpoint, checkUnixSocket } from "./address.ts";
import { checkDestination } from "./destination.ts";
import { checkPort } from "./match.ts";
import { domainError, hostError, isRuleLabel } from "./names.ts";
import { PROTOCOLS, isHttpProtocol, isKnownProtocol, isTlsProtocol } from "./protocol.ts";
import type { Report } from "./report.ts";
import { checkWorkloadLabels } from "./selector.ts";
import { checkServerTls } from "./server-tls.ts";
import { checkConnectionPool } from "./traffic-policy.ts";

export function checkSidecar(spec: Sidecar, namespace: string, report: Report): void {
  const { workloadSelector, ingress = [], egress = [] } = spec;
  if (workloadSelector) checkWorkloadLabels(workloadSelector, "spec.workloadSelector", report);
  if (
    ingress.length + egress.length === 0 &&
    spec.outboundTrafficPolicy === undefined &&
    spec.inboundConnectionPool === undefined
  ) {
    report({
      code: "HDL0023",
      path: "spec",
      message: "a Sidecar is empty",
      remedy: "Give it ingress, egress, inboundConnectionPool or outboundTrafficPolicy.",
    });
  }
  const taken = new Set<number>();
  for (const [index, listener] of ingress.entries()) {
    checkIngress(listener, `spec.ingress[${index}]`, taken, report);
  }
  if (spec.inboundConnectionPool) {
    checkConnectionPool(spec.inboundConnectionPool, "spec.inboundConnectionPool", report);
  }
  checkEgress(egress, namespace, report);
  if (spec.outboundTrafficPolicy) checkOutbound(spec.outboundTrafficPolicy, report);
}

function checkIngress(
  { port, bind, defaultEndpoint, tls, connectionPool }: IstioIngressListener,
  path: string,
  taken: Set<number>,
  report: Report,
): void {
  const { number = 0, protocol = "" } = port;
  checkPortNames(port, `${path}.port`, report);
  checkPort(number, `${path}.port.number`, report);
  checkTaken(number, taken, `${path}.port.number`, report);
  if (bind) checkBindAddress(bind, `${path}.bind`, report);
  if (defaultEndpoint) checkDefaultEndpoint(defaultEndpoint, `${path}.defaultEndpoint`, report);
  if (tls) {
    for (const field of [
      "subjectAltNames",
      "httpsRedirect",
      "credentialName",
      "credentialNames",
      "tlsCertificates",
    ] as const) {
      const value = tls[field];
      if (!value || (Array.isArray(value) && value.length === 0)) continue;
      report({
        code: "HDL0030",
        path: `${path}.tls.${field}`,
        message: `${field} is not supported in the TLS settings of a sidecar`,
        remedy: "Leave it out; certificates are files of the proxy.",
      });
    }
    if (tls.mode === "ISTIO_MUTUAL" || tls.mode === "AUTO_PASSTHROUGH") {
      report({
        code: "HDL0030",
        path: `${path}.tls.mode`,
        message: `TLS mode ${tls.mode} cannot be set in a sidecar's ingress`,
        remedy: "Mutual TLS within the mesh is a matter of PeerAuthentication.",
      });
    }
    if (!isTlsProtocol(protocol)) {
      report({
        code: "HDL0030",
        path: `${path}.tls`,
        message: `a port of protocol ${protocol || "that is not given"} cannot have TLS settings`,
        remedy: "Make the protocol HTTPS or TLS, or leave tls out.",
      });
    }
    checkServerTls(tls, `${path}.tls`, report);
  }
  if (!connectionPool) return;
  checkConnectionPool(connectionPool, `${path}.connectionPool`, report);
  if (connectionPool.http && !isHttpProtocol(protocol)) {
    report({
      code: "HDL0032",
      path: `${path}.connectionPool.http`,
      message: `port ${number} does not speak HTTP, so that only the settings of TCP apply`,
    });
  }
}

function checkEgress(
  egress: readonly IstioEgressListener[],
  namespace: string,
  report: Report,
): void {
  const ports = new Set<number>();
  const sockets = new Set<string>();
  for (const [index, listener] of egress.entries()) {
    const path = `spec.egress[${index}]`;
    const { port, bind = "", hosts } = listener;
    if (port) {
      checkEgressPort(listener, port, path, report);
      const { number = 0 } = port;
      if (number !== 0) checkTaken(number, ports, `${path}.port.number`, report);
      else if (sockets.has(bind)) {
        report({
          code: "HDL0029",
          path: `${path}.bind`,
          message: `the Unix socket ${bind} stands twice: listeners need sockets of their own`,
        });
      } else sockets.add(bind);
    } else if (index < egress.length - 1) {
      const another = egress.slice(0, index).some((other) => !other.port);
      report({
        code: another ? "HDL0029" : "HDL0032",
        level: "Error",
        path,
        message: another
          ? "a Sidecar can have only one egress listener without a port"
          : "an egress listener without a port takes all others, so it has to be the last",
        remedy: "Put it last, or give it a port.",
      });
    }
    checkEgressHosts(hosts, namespace, `${path}.hosts`, report);
  }
}

function checkEgressPort(
  { bind = "", captureMode = "DEFAULT" }: IstioEgressListener,
  port: SidecarPort,
  path: string,
  report: Report,
): void {
  checkPortNames(port, `${path}.port`, report);
  const { number = 0 } = port;
  if (number !== 0) {
    checkPort(number, `${path}.port.number`, report);
    if (bind !== "") checkBindAddress(bind, `${path}.bind`, report);
    return;
  }
  if (bind.startsWith(UNIX)) checkUnixSocket(bind, `${path}.bind`, report);
  else {
    report({
      code: "HDL0014",
      path: `${path}.port.number`,
      message: "port 0 is for Unix sockets: a bind of unix:// is required",
      remedy: "Give a port between 1 and 65535, or bind: unix:///PATH.",
    });
  }
  if (captureMode === "IPTABLES") {
    report({
      code: "HDL0022",
      path: `${path}.captureMode`,
      message: "captureMode must be DEFAULT or NONE for a Unix socket",
    });
  }
}

function checkPortNames(port: SidecarPort, path: string, report: Report): void {
  const { name, protocol, targetPort } = port;
  if (name && !isRuleLabel(name)) {
    report({ code: "HDL0017", path: `${path}.name`, message: `"${name}" is not a port's name` });
  }
  if (protocol && !isKnownProtocol(protocol)) {
    report({
      code: "HDL0013",
      path: `${path}.protocol`,
      message: `protocol "${protocol}" is not known`,
      remedy: `Give one of ${PROTOCOLS}, or none.`,
    });
  }
  if (targetPort) {
    report({
      code: "HDL0032",
      level: "Error",
      path: `${path}.targetPort`,
      message: "targetPort has no effect on Sidecars",
      remedy: "Leave it out.",
    });
  }
}

function checkTaken(number: number, taken: Set<number>, path: string, report: Report): void {
  if (taken.has(number)) {
    report({
      code: "HDL0029",
      path,
      message: `port ${number} stands twice: listeners need ports of their own`,
    });
  }
  taken.add(number);
}

function checkEgressHosts(
  hosts: readonly string[],
  namespace: string,
  path: string,
  report: Report,
): void {
  if (hosts.length === 0) {
    report({ code: "HDL0023", path, message: "an egress listener has no hosts" });
  }
  const seen = new Map<string, Set<string>>();
  for (const [index, text] of hosts.entries()) {
    const at = `${path}[${index}]`;
    checkEgressHost(text, at, report);
    const slash = text.indexOf("/");
    if (slash < 0 || text.startsWith("~")) continue;
    const written = text.slice(0, slash);
    const place = written === "." ? namespace : written;
    const host = text.slice(slash + 1);
    const known = seen.get(place) ?? new Set();
    seen.set(place, known);
    if (host === "*" ? known.size > 0 : known.has(host) || known.has("*")) {
      report({
        code: "HDL0032",
        path: at,
        message: `host ${text} stands twice, or is covered by another`,
      });
    }
    known.add(host);
  }
  if (seen.get("*")?.has("*") && seen.size > 1) {
    report({
      code: "HDL0032",
      path,
      message: "*/* is every host, so that the others beside it do nothing",
    });
  }
}

function checkEgressHost(text: string, path: string, report: Report): void {
  const remedy = "Write namespace/host, ./host, */host or ~/*.";
  const wrong = (message: string) => report({ code: "HDL0020", path, message, remedy });
  const slash = text.indexOf("/");
  if (slash < 0) return wrong(`"${text}" is not of the form namespace/host`);
  const written = text.slice(0, slash);
  const host = text.slice(slash + 1);
  if (written === "" || host === "") return wrong(`"${text}" has an empty namespace or host`);
  // A leading ~ takes hosts out, a lone one takes all out.
  const namespace = written.replace(/^~/, "");
  if (namespace !== "" && namespace !== "*" && namespace !== "." && !isRuleLabel(namespace)) {
    wrong(`"${written}" is not a namespace`);
  }
  const error = hostError(host);
  if (error) wrong(error);
  else if (host !== "*" && !host.includes(".")) {
    wrong(`"${host}" is a short name, which cannot stand here`);
  } else if (host.includes("*") && host !== "*" && !host.startsWith("*.")) {
    wrong(`"${host}" has a wildcard for a part of a label`);
  }
}

function checkOutbound({ mode, egressProxy }: OutboundTrafficPolicy, report: Report): void {
  if (!egressProxy) return;
  const path = "spec.outboundTrafficPolicy.egressProxy";
  if (mode !== "ALLOW_ANY") {
    report({
      code: "HDL0022",
      path,
      message: "egressProxy can be set only with mode ALLOW_ANY",
      remedy: "Set mode: ALLOW_ANY, or leave egressProxy out.",
    });
    return;
  }
  const wrong = domainError(egressProxy.host);
  if (wrong) report({ code: "HDL0020", path: `${path}.host`, message: wrong });
  if (!egressProxy.port) {
    report({ code: "HDL0012", path: `${path}.port`, message: "egressProxy needs a port" });
  }
  if (!wrong) checkDestination(egressProxy, path, report);
}
