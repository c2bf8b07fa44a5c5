/** Rules of a PeerAuthentication that its schema cannot say. */
import { selects } from "../labels.ts";
import type { PeerAuthentication } from "../kinds/peer-authentication.ts";
import { joinPath } from "./report.ts";
import type { Report } from "./report.ts";
import { checkSelector } from "./selector.ts";

export function checkPeerAuthentication(spec: PeerAuthentication, report: Report): void {
  const { selector, portLevelMtls } = spec;
  if (selector) checkSelector(selector, "spec.selector", report);
  if (portLevelMtls === undefined) return;
  const path = "spec.portLevelMtls";
  const ports = Object.keys(portLevelMtls);
  if (ports.length === 0) {
    report({
      code: "HDL0023",
      path,
      message: "portLevelMtls names no port",
      remedy: "Leave it out, or name a port.",
    });
  } else if (!selects(selector?.matchLabels)) {
    report({
      code: "HDL0035",
      path,
      message: "portLevelMtls needs a selector: ports are those of workloads",
      remedy: "Add selector.matchLabels.",
    });
  }
  for (const port of ports) {
    if (/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65535) continue;
    report({
      code: "HDL0014",
      path: joinPath(path, port),
      message: `"${port}" is not a port between 1 and 65535`,
    });
  }
}
