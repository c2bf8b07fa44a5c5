/** Groups of workloads: what the schema of a WorkloadGroup cannot say. */
import type { ReadinessProbe, WorkloadGroup } from "../kinds/workload-group.ts";
import { UNIX_SOCKET } from "../registry/address.ts";
import { checkLabels, checkPort } from "./match.ts";
import type { Report } from "./report.ts";
import { checkAddress, checkWorkloadFields } from "./workload-entry.ts";

const HEADER_NAME = /^[-A-Za-z0-9]+$/;

export function checkWorkloadGroup(group: WorkloadGroup, report: Report): void {
  const { metadata, template, probe } = group;
  checkLabels(metadata?.labels, "spec.metadata.labels", report);
  if (template.address?.startsWith(UNIX_SOCKET)) {
    checkAddress(template.address, "any", "spec.template.address", report);
  }
  checkWorkloadFields(template, "spec.template", report);
  if (probe) checkProbe(probe, "spec.probe", report);
}

function checkProbe(
  { httpGet, tcpSocket, exec, grpc }: ReadinessProbe,
  path: string,
  report: Report,
): void {
  if (!httpGet && !tcpSocket && !exec && !grpc) {
    report({
      code: "HDL0023",
      path,
      message:
        "a probe says nothing of how to ask: one of httpGet, tcpSocket, exec, grpc is required",
      remedy: "Add one of them.",
    });
  }
  if (httpGet) checkPort(httpGet.port, `${path}.httpGet.port`, report);
  for (const [index, { name = "" }] of (httpGet?.httpHeaders ?? []).entries()) {
    if (HEADER_NAME.test(name)) continue;
    report({
      code: "HDL0026",
      path: `${path}.httpGet.httpHeaders[${index}].name`,
      message: `name "${name}" is not a header's name: it should match ${HEADER_NAME.source}`,
    });
  }
  if (tcpSocket) checkPort(tcpSocket.port, `${path}.tcpSocket.port`, report);
  if (grpc?.port !== undefined) checkPort(grpc.port, `${path}.grpc.port`, report);
  if (exec?.command.length === 0) {
    report({ code: "HDL0023", path: `${path}.exec.command`, message: "a command is empty" });
  }
}
