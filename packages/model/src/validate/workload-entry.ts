/** Workloads that are no Pods: what the schema of a WorkloadEntry cannot say. */
import type { WorkloadEntry } from "../kinds/workload-entry.ts";
import { UNIX_SOCKET } from "../registry/address.ts";
import { checkLabels, checkPort } from "./match.ts";
import { domainError, isIpAddress } from "./names.ts";
import { joinPath } from "./report.ts";
import type { Report } from "./report.ts";

/** Whether endpoints may be names, which depends on who resolves them. */
export type AddressForm = "any" | "no names" | "no sockets";

const PORT_NAME = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/;

export function checkWorkloadEntry(entry: WorkloadEntry, path: string, report: Report): void {
  const { address, network } = entry;
  if (!address && !network) {
    report({
      code: "HDL0012",
      path: `${path}.address`,
      message: "address is required",
      remedy: "Give an IP address, a DNS name, or unix:///path/of/socket.",
    });
  }
  if (address) checkAddress(address, "any", `${path}.address`, report);
  checkWorkloadFields(entry, path, report);
}

export function checkAddress(
  address: string,
  form: AddressForm,
  path: string,
  report: Report,
): void {
  const wrong = (message: string, remedy: string) =>
    report({ code: "HDL0028", path, message, remedy });
  if (address.startsWith(UNIX_SOCKET)) {
    const socket = address.slice(UNIX_SOCKET.length);
    if (form === "no sockets") {
      wrong(
        `"${address}" is a Unix socket, which DNS cannot resolve`,
        "Make the resolution STATIC.",
      );
    } else if (!socket.startsWith("/") && !socket.startsWith("@")) {
      wrong(
        `"${address}": a UDS must be an absolute path or abstract socket`,
        "Write unix:///absolute/path or unix://@name.",
      );
    } else if (socket.endsWith("/")) {
      wrong(`"${address}": a UDS may not be a directory`, "Name the socket itself.");
    }
    return;
  }
  if (isIpAddress(address)) return;
  if (form === "no names") {
    wrong(
      `"${address}" is not an IP address`,
      "Give an IP address or a Unix socket, or make the resolution DNS.",
    );
  } else if (domainError(address) !== undefined) {
    wrong(`"${address}" is neither an IP address nor a DNS name`, "Give one of the two.");
  }
}

/** All but the address, which a WorkloadGroup's template does not have. */
export function checkWorkloadFields(entry: WorkloadEntry, path: string, report: Report): void {
  const { address, ports = {}, labels } = entry;
  if (address?.startsWith(UNIX_SOCKET) && Object.keys(ports).length > 0) {
    report({
      code: "HDL0022",
      path: `${path}.ports`,
      message: "a Unix socket (UDS) may not include ports: the socket is all that there is",
      remedy: "Leave ports out.",
    });
  }
  for (const [name, port] of Object.entries(ports)) {
    const at = joinPath(`${path}.ports`, name);
    if (!isPortName(name)) {
      report({ code: "HDL0017", path: at, message: `"${name}" cannot name a port` });
    }
    checkPort(port, at, report);
  }
  checkLabels(labels, `${path}.labels`, report);
}

function isPortName(name: string): boolean {
  return name.length < 63 && PORT_NAME.test(name);
}
