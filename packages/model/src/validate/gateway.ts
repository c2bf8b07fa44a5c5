/** Rules of a Gateway that its schema cannot say: ports, hosts, and what TLS needs. */
import type { Gateway, Server, ServerTLSSettings } from "../kinds/gateway.ts";
import { isHttp, isTls, protocolNamed } from "../registry/protocol.ts";
import type { Protocol } from "../registry/types.ts";
import { UNIX, checkBindAddress, checkDefaultEndpoint, checkUnixSocket } from "./address.ts";
import { checkPort } from "./match.ts";
import { hostError, isDnsLabel, isIpAddress, isRuleLabel } from "./names.ts";
import type { Report } from "./report.ts";
import { checkServerTls } from "./server-tls.ts";

export function checkGateway(spec: Gateway, name: string, report: Report): void {
  const { servers = [] } = spec;
  if (!isDnsLabel(name)) {
    report({
      code: "HDL0017",
      path: "metadata.name",
      message: `"${name}" cannot name a Gateway: rules refer to it, so it has no dots`,
    });
  }
  if (servers.length === 0) {
    report({ code: "HDL0023", path: "spec.servers", message: "a Gateway has no servers" });
  }
  const names = new Set<string>();
  for (const [index, server] of servers.entries()) {
    const path = `spec.servers[${index}]`;
    checkServer(server, path, report);
    if (names.has(server.port.name)) {
      report({
        code: "HDL0029",
        path: `${path}.port.name`,
        message: `port name ${server.port.name} stands twice`,
        remedy: "Give each server's port a name of its own.",
      });
    }
    names.add(server.port.name);
  }
}

/** The protocol of a server's port: its whole name, in any case. */
export function serverProtocol(server: Pick<Server, "port">): Protocol | undefined {
  const { protocol } = server.port;
  const named = protocolNamed(protocol);
  return named === undefined || named !== protocol.toUpperCase() || named === "UDP"
    ? undefined
    : named;
}

function checkServer(server: Server, path: string, report: Report): void {
  const { port, hosts, bind, tls, defaultEndpoint } = server;
  if (defaultEndpoint) checkDefaultEndpoint(defaultEndpoint, `${path}.defaultEndpoint`, report);
  if (hosts.length === 0) {
    report({ code: "HDL0023", path: `${path}.hosts`, message: "a server has no hosts" });
  }
  for (const [index, host] of hosts.entries()) {
    checkServerHost(host, `${path}.hosts[${index}]`, report);
  }
  const protocol = serverProtocol(server);
  if (protocol === undefined) {
    report({
      code: "HDL0013",
      path: `${path}.port.protocol`,
      message: `protocol "${port.protocol}" is not known`,
      remedy: "Give one of HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, REDIS, MYSQL, TCP, TLS.",
    });
  }
  const socket = bind?.startsWith(UNIX) ?? false;
  if (!socket || port.number > 0) checkPort(port.number, `${path}.port.number`, report);
  if (bind && socket) checkUnixSocket(bind, `${path}.bind`, report);
  else if (bind) checkBindAddress(bind, `${path}.bind`, report);
  if (socket && port.number > 0) {
    const at = `${path}.port.number`;
    report({ code: "HDL0022", path: at, message: "a Unix socket has no port: give 0" });
  }
  if (port.name === "") {
    report({ code: "HDL0012", path: `${path}.port.name`, message: "a port has no name" });
  }
  if (port.targetPort) {
    report({
      code: "HDL0032",
      level: "Error",
      path: `${path}.port.targetPort`,
      message: "targetPort has no effect on gateways",
      remedy: "Set it in the gateway's Service.",
    });
  }
  if (tls) checkServerTls(tls, `${path}.tls`, report);
  if (protocol) checkTlsOfProtocol(protocol, tls, path, report);
  if (tls?.httpsRedirect && !(protocol && isHttp(protocol))) {
    report({
      code: "HDL0032",
      path: `${path}.tls.httpsRedirect`,
      message: "httpsRedirect is for HTTP servers only",
    });
  }
}

function checkTlsOfProtocol(
  protocol: Protocol,
  tls: ServerTLSSettings | undefined,
  path: string,
  report: Report,
): void {
  if (isTls(protocol) && !tls) {
    report({
      code: "HDL0030",
      path,
      message: `a server of protocol ${protocol} needs tls`,
      remedy: "Add tls.mode, and a credentialName for SIMPLE.",
    });
  }
  if (isTls(protocol) || !tls) return;
  const redirectOnly =
    isHttp(protocol) &&
    (tls.mode ?? "PASSTHROUGH") === "PASSTHROUGH" &&
    !tls.caCertificates &&
    !tls.privateKey &&
    !tls.serverCertificate;
  if (!redirectOnly) {
    report({
      code: "HDL0030",
      path: `${path}.tls`,
      message: `a server of protocol ${protocol} cannot have tls${isHttp(protocol) ? " beyond httpsRedirect" : ""}`,
      remedy: "Make the protocol HTTPS or TLS, or leave tls out.",
    });
  }
}

function checkServerHost(text: string, path: string, report: Report): void {
  const slash = text.indexOf("/");
  const namespace = slash < 0 ? undefined : text.slice(0, slash);
  const host = text.slice(slash + 1);
  const wrong = (message: string, remedy?: string) =>
    report({ code: "HDL0020", path, message, ...(remedy === undefined ? {} : { remedy }) });
  if (
    namespace !== undefined &&
    namespace !== "*" &&
    namespace !== "." &&
    !isRuleLabel(namespace)
  ) {
    wrong(`"${namespace}" is not a namespace`, "Write host, */host, ./host or namespace/host.");
  }
  if (slash >= 0 && host === "") return wrong(`"${text}" has an empty host`);
  const error = isIpAddress(host) ? undefined : hostError(host);
  if (error) return wrong(error);
  if (host !== "*" && !host.includes(".")) {
    wrong(`"${host}" is a short name, which a gateway's host cannot be`, "Write the full name.");
  } else if (host.includes("*") && host !== "*" && !host.startsWith("*.")) {
    wrong(`"${host}" has a wildcard for a part of a label`, "Write *.example.com.");
  }
}
