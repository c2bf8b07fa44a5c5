/** Rules of Gateway and ListenerSet that their schemas cannot say. */
import type { Gateway, Listener, ListenerSet } from "../../kinds/gateway-api/gateway.ts";
import { isIpAddress, isLabelKey, isLabelValue } from "../names.ts";
import { joinPath } from "../report.ts";
import type { Report } from "../report.ts";

const HOSTNAME = /^(?:\*\.)?[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

export function checkKubernetesGateway(spec: Gateway, report: Report): void {
  checkListeners(spec.listeners, { portRequired: true }, report);
  checkAddresses(spec.addresses ?? [], report);
  for (const field of ["labels", "annotations"] as const) {
    for (const [key, value] of Object.entries(spec.infrastructure?.[field] ?? {})) {
      const path = joinPath(`spec.infrastructure.${field}`, key);
      if (!isLabelKey(key)) {
        report({ code: "HDL0017", path, message: `"${key}" cannot be the key of a label` });
      } else if (field === "labels" && !isLabelValue(value)) {
        report({ code: "HDL0017", path, message: `"${value}" cannot be the value of a label` });
      }
    }
  }
  const ports = new Set<number>();
  for (const [index, { port }] of (spec.tls?.frontend?.perPort ?? []).entries()) {
    if (ports.has(port)) {
      report({
        code: "HDL0029",
        path: `spec.tls.frontend.perPort[${index}].port`,
        message: `port ${port} stands twice`,
      });
    }
    ports.add(port);
  }
}

/** XListenerSet takes listeners without a port; nothing else does. */
export function checkListenerSet(
  spec: ListenerSet,
  { experimental }: { readonly experimental: boolean },
  report: Report,
): void {
  checkListeners(spec.listeners, { portRequired: !experimental }, report);
}

function checkListeners(
  listeners: readonly Listener[],
  { portRequired }: { readonly portRequired: boolean },
  report: Report,
): void {
  const names = new Set<string>();
  const places = new Map<string, string>();
  for (const [index, listener] of listeners.entries()) {
    const { name, port, protocol, hostname } = listener;
    const path = `spec.listeners[${index}]`;
    if (port === undefined && portRequired) {
      report({
        code: "HDL0012",
        path: `${path}.port`,
        message: "port is required",
        remedy: "Add port.",
      });
    }
    if (names.has(name)) {
      report({
        code: "HDL0029",
        path: `${path}.name`,
        message: `listener name ${name} stands twice`,
        remedy: "Give each listener a name of its own.",
      });
    }
    names.add(name);
    const place = `${port}/${protocol}/${hostname ?? ""}`;
    const other = places.get(place);
    if (other !== undefined && port !== undefined) {
      report({
        code: "HDL0029",
        path,
        message: `listeners ${other} and ${name} have the same port, protocol and hostname`,
        remedy: "Join them, or give one another hostname.",
      });
    }
    places.set(place, name);
    checkListener(listener, path, report);
  }
}

function checkListener({ protocol, hostname, tls }: Listener, path: string, report: Report): void {
  const plain = protocol === "HTTP" || protocol === "TCP" || protocol === "UDP";
  if (plain && tls) {
    report({
      code: "HDL0030",
      path: `${path}.tls`,
      message: `a listener of protocol ${protocol} cannot have tls`,
      remedy: "Make the protocol HTTPS or TLS, or leave tls out.",
    });
  }
  if (protocol === "HTTPS" && tls?.mode === "Passthrough") {
    report({
      code: "HDL0030",
      path: `${path}.tls.mode`,
      message: "a listener of protocol HTTPS terminates TLS",
      remedy: "Use protocol TLS to pass it through.",
    });
  }
  if (protocol === "TLS" && tls?.mode === undefined) {
    report({
      code: "HDL0030",
      path: tls ? `${path}.tls.mode` : `${path}.tls`,
      message: "a listener of protocol TLS needs tls.mode",
      remedy: "Add tls.mode: Passthrough or Terminate.",
    });
  }
  if ((protocol === "TCP" || protocol === "UDP") && hostname !== undefined) {
    report({
      code: "HDL0022",
      path: `${path}.hostname`,
      message: `a listener of protocol ${protocol} cannot have a hostname`,
      remedy: "Leave hostname out: there is nothing to read one from.",
    });
  }
  const terminates = tls !== undefined && (tls.mode ?? "Terminate") === "Terminate";
  const named = (tls?.certificateRefs?.length ?? 0) + Object.keys(tls?.options ?? {}).length;
  if (terminates && named === 0) {
    report({
      code: "HDL0023",
      path: `${path}.tls.certificateRefs`,
      message: "a listener that terminates TLS names no certificate",
      remedy: "Add a certificateRef to a Secret of type kubernetes.io/tls.",
    });
  }
}

function checkAddresses(addresses: NonNullable<Gateway["addresses"]>, report: Report): void {
  const seen = new Set<string>();
  for (const [index, { type = "IPAddress", value }] of addresses.entries()) {
    const path = `spec.addresses[${index}].value`;
    if (value === undefined || value === "") continue;
    if (type === "IPAddress" && !isIpAddress(value)) {
      report({ code: "HDL0028", path, message: `"${value}" is no IP address` });
    } else if (type === "Hostname" && !HOSTNAME.test(value)) {
      report({ code: "HDL0020", path, message: `"${value}" is not a host name` });
    }
    const key = `${type}/${value}`;
    if (seen.has(key) && (type === "IPAddress" || type === "Hostname")) {
      report({ code: "HDL0029", path, message: `address ${value} stands twice` });
    }
    seen.add(key);
  }
}
