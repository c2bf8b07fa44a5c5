/** The init container that leads a pod's traffic to its proxy. Its rules stand in the pod, where everybody can read them. */
import { DNS_SCRIPT, dnsRawTable } from "./dns-capture.ts";
import { type Captured, natTable } from "./nat-table.ts";
import type { Container } from "./pod.ts";

export const CAPTURE_CONTAINER = "heddle-init";

/**
 * Every address of IPv6's loopback but one is a stranger to the kernel: the one that the proxy's own connections come from is
 * added. Kernels without IPv6 have nothing to lead.
 */
const SCRIPT = [
  `printf '%s' "$NAT_V4" | iptables-restore --noflush`,
  // It is of no size even where there is something to read.
  "if read -r _ < /proc/net/if_inet6; then",
  `  printf '%s' "$NAT_V6" | ip6tables-restore --noflush`,
  "  ip -6 addr add ::6/128 dev lo 2>/dev/null || true",
  "fi",
].join("\n");

export function captureContainer(
  captured: Captured,
  {
    image,
    imagePullPolicy,
  }: { readonly image: string; readonly imagePullPolicy?: string | undefined },
): Container {
  return {
    name: CAPTURE_CONTAINER,
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    command: ["/bin/sh", "-ec"],
    args: [captured.dns ? `${SCRIPT}\n${DNS_SCRIPT}` : SCRIPT],
    env: [
      { name: "NAT_V4", value: natTable(captured, "v4") },
      { name: "NAT_V6", value: natTable(captured, "v6") },
      ...(captured.dns ? [{ name: "DNS_RAW", value: dnsRawTable }] : []),
    ],
    resources: {
      requests: { cpu: "10m", memory: "16Mi" },
      limits: { cpu: "500m", memory: "64Mi" },
    },
    // The rules are of the pod's own network, and nobody else may write them.
    securityContext: {
      allowPrivilegeEscalation: false,
      privileged: false,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW"] },
      readOnlyRootFilesystem: false,
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
    },
  };
}
