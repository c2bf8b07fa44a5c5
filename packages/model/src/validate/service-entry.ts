/** Hosts that no Service stands for: what the schema of a ServiceEntry cannot say. */
import type { ServiceEntry, ServiceEntryPort } from "../kinds/service-entry.ts";
import type { WorkloadEntry } from "../kinds/workload-entry.ts";
import { UNIX_SOCKET } from "../registry/address.ts";
import { entryProtocol, isHttp, isTls } from "../registry/protocol.ts";
import { isWildcard } from "../host.ts";
import { checkExportTo } from "./export-to.ts";
import { checkPort } from "./match.ts";
import { domainError, hostError, isRuleLabel, isSubnet } from "./names.ts";
import { joinPath } from "./report.ts";
import type { Report } from "./report.ts";
import { checkWorkloadLabels } from "./selector.ts";
import { checkAddress, checkWorkloadFields } from "./workload-entry.ts";

export function checkServiceEntry(entry: ServiceEntry, namespace: string, report: Report): void {
  checkSelection(entry, report);
  checkHosts(entry, report);
  checkAddresses(entry, report);
  checkPorts(entry, report);
  for (const [index, endpoint] of (entry.endpoints ?? []).entries()) {
    checkEndpoint(endpoint, entry, `spec.endpoints[${index}]`, report);
  }
  checkResolution(entry, report);
  const { exportTo = [] } = entry;
  if (!exportTo.includes("~")) checkExportTo(exportTo, namespace, report);
  else if (exportTo.length > 1) {
    report({
      code: "HDL0033",
      path: "spec.exportTo",
      message: "exportTo has ~ and others, although ~ is nobody",
      remedy: "Keep ~ alone, or the others alone.",
    });
  }
}

function checkSelection(entry: ServiceEntry, report: Report): void {
  const { endpoints, workloadSelector, resolution = "NONE" } = entry;
  if (workloadSelector === undefined) return;
  if (endpoints !== undefined) {
    report({
      code: "HDL0022",
      path: "spec.workloadSelector",
      message: "only one of workloadSelector or endpoints can be set",
      remedy: "Keep one of the two.",
    });
  }
  checkWorkloadLabels(workloadSelector, "spec.workloadSelector", report);
  if (resolution === "NONE") {
    report({
      code: "HDL0032",
      path: "spec.workloadSelector",
      message:
        "with resolution NONE connections go where the application sends them, whatever is selected",
      remedy: "Make the resolution STATIC.",
    });
  }
}

function checkHosts(
  { hosts, resolution = "NONE", endpoints = [] }: ServiceEntry,
  report: Report,
): void {
  if (hosts.length === 0) {
    report({
      code: "HDL0023",
      path: "spec.hosts",
      message: "hosts is empty: a ServiceEntry has at least one",
    });
  }
  const seen = new Set<string>();
  for (const [index, host] of hosts.entries()) {
    const path = `spec.hosts[${index}]`;
    const wrong = (message: string, remedy?: string) =>
      report({ code: "HDL0020", path, message, ...(remedy === undefined ? {} : { remedy }) });
    if (seen.has(host.toLowerCase())) {
      report({ code: "HDL0029", level: "Warning", path, message: `host ${host} stands twice` });
    }
    seen.add(host.toLowerCase());
    if (host === "*") {
      wrong("hostname cannot be wildcard: * would be every host there is", "Write *.example.com.");
      continue;
    }
    const error = hostError(host);
    if (error !== undefined) {
      wrong(error);
      continue;
    }
    if (resolution === "DYNAMIC_DNS") {
      if (!isWildcard(host)) {
        wrong(`"${host}" has no wildcard, which resolution DYNAMIC_DNS is for`, "Make it DNS.");
      }
    } else if (isWildcard(host) && !host.startsWith("*.")) {
      report({
        code: "HDL0020",
        level: "Warning",
        path,
        message: `"${host}" has a wildcard for a part of a label, which TLS does not match by`,
        remedy: "Write *.example.com.",
      });
    }
    if (resolvesHosts(resolution) && endpoints.length === 0 && domainError(host) !== undefined) {
      wrong(
        `"${host}" cannot be resolved: with resolution ${resolution} and no endpoints hosts are DNS names`,
        "Give endpoints, name the hosts, or make the resolution NONE or DYNAMIC_DNS.",
      );
    }
  }
}

function checkAddresses(entry: ServiceEntry, report: Report): void {
  const { addresses = [], resolution = "NONE" } = entry;
  for (const [index, address] of addresses.entries()) {
    const path = `spec.addresses[${index}]`;
    if (!isSubnet(address)) {
      report({
        code: "HDL0028",
        path,
        message: `"${address}" is neither an IP address nor a subnet`,
        remedy: "Write 10.0.0.1 or 10.0.0.0/8.",
      });
    } else if (address.includes("/") && resolution !== "NONE" && resolution !== "STATIC") {
      report({
        code: "HDL0022",
        path,
        message: "CIDR addresses are allowed only for NONE/STATIC resolution types",
        remedy: "Give single addresses, or make the resolution STATIC.",
      });
    }
  }
}

function checkPorts(
  { ports = [], hosts, resolution = "NONE" }: ServiceEntry,
  report: Report,
): void {
  const names = new Set<string>();
  const numbers = new Set<number>();
  for (const [index, port] of ports.entries()) {
    const path = `spec.ports[${index}]`;
    checkPort(port.number, `${path}.number`, report);
    if (port.targetPort !== undefined) checkPort(port.targetPort, `${path}.targetPort`, report);
    if (!isRuleLabel(port.name)) {
      report({
        code: "HDL0017",
        path: `${path}.name`,
        message: `"${port.name}" cannot name a port`,
      });
    }
    if (names.has(port.name)) {
      report({
        code: "HDL0029",
        path: `${path}.name`,
        message: `port name ${port.name} stands twice`,
      });
    }
    if (numbers.has(port.number)) {
      report({
        code: "HDL0029",
        path: `${path}.number`,
        message: `port number cannot be duplicated: ${port.number} stands twice`,
      });
    }
    names.add(port.name);
    numbers.add(port.number);
    checkProtocol(port, resolution, path, report);
  }
  if (resolution === "NONE" || hosts.length < 2) return;
  const bare = ports.findIndex((port) => {
    const protocol = entryProtocol(port) ?? "HTTP";
    return !isHttp(protocol) && !isTls(protocol);
  });
  if (bare >= 0) {
    report({
      code: "HDL0022",
      path: `spec.ports[${bare}].protocol`,
      message:
        "several hosts cannot share a port that is neither HTTP nor TLS: nothing in it tells them apart",
      remedy: "Give each host a ServiceEntry of its own, with addresses.",
    });
  }
}

const DYNAMIC = new Set(["HTTP", "TLS", "GRPC", "HTTP2"]);

function checkProtocol(
  port: ServiceEntryPort,
  resolution: string,
  path: string,
  report: Report,
): void {
  const protocol = entryProtocol(port);
  if (protocol === undefined) {
    report({
      code: "HDL0013",
      path: `${path}.protocol`,
      message: `protocol "${port.protocol}" is not known`,
      remedy: "Give one of HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, REDIS, MYSQL, TCP, UDP, TLS.",
    });
  } else if (resolution === "DYNAMIC_DNS" && !DYNAMIC.has(protocol)) {
    report({
      code: "HDL0022",
      path: `${path}.protocol`,
      message: `only HTTP, TLS, GRPC and HTTP2 name the host that resolution DYNAMIC_DNS resolves`,
    });
  }
}

function checkEndpoint(
  endpoint: WorkloadEntry,
  { ports = [], resolution = "NONE" }: ServiceEntry,
  path: string,
  report: Report,
): void {
  const { address, network } = endpoint;
  // These have no endpoints at all, which is told elsewhere: only what is wrong whatever the resolution.
  const none = resolution === "NONE" || resolution === "DYNAMIC_DNS";
  if (!address && (!network || !(none || resolution === "STATIC"))) {
    report({ code: "HDL0012", path: `${path}.address`, message: "address is required" });
  }
  const form = none ? "any" : resolution === "STATIC" ? "no names" : "no sockets";
  if (address && (!none || address.startsWith(UNIX_SOCKET))) {
    checkAddress(address, form, `${path}.address`, report);
  }
  checkWorkloadFields(endpoint, path, report);
  if (none) return;
  for (const name of Object.keys(endpoint.ports ?? {})) {
    if (ports.some((port) => port.name === name)) continue;
    report({
      code: "HDL0032",
      level: "Error",
      path: joinPath(`${path}.ports`, name),
      message: `port ${name} of an endpoint is not defined by the ServiceEntry`,
      remedy: `It has ${ports.map((port) => port.name).join(", ") || "no ports"}.`,
    });
  }
  if (address?.startsWith(UNIX_SOCKET) && ports.length !== 1) {
    report({
      code: "HDL0022",
      path: `${path}.address`,
      message: `exactly 1 service port is required for endpoints that are Unix sockets, not ${ports.length}`,
    });
  }
}

function checkResolution(entry: ServiceEntry, report: Report): void {
  const { resolution = "NONE", endpoints = [], addresses = [] } = entry;
  const refuse = (field: string, message: string, remedy: string) =>
    report({ code: "HDL0022", path: `spec.${field}`, message, remedy });
  if (resolution === "NONE" && endpoints.length > 0) {
    refuse("endpoints", "NONE mode cannot set endpoints", "Make the resolution STATIC or DNS.");
  }
  if (resolution === "DNS_ROUND_ROBIN" && endpoints.length > 1) {
    refuse("endpoints", "DNS_ROUND_ROBIN has 0 or 1 endpoint", "Make the resolution DNS.");
  }
  if (resolution !== "DYNAMIC_DNS") return;
  const remedy = "Leave it out: requests name the host, and DNS its address.";
  if (endpoints.length > 0) refuse("endpoints", "DYNAMIC_DNS cannot set endpoints", remedy);
  if (addresses.length > 0) refuse("addresses", "DYNAMIC_DNS cannot set addresses", remedy);
}

function resolvesHosts(resolution: string): boolean {
  return resolution === "DNS" || resolution === "DNS_ROUND_ROBIN";
}
