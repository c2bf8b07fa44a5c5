/** What becomes of requests for hosts that the mesh does not know. */
import type { VirtualHost } from "@heddle/envoy/config/route/v3";
import { PEER_HEADER } from "../filter/peer-header.ts";
import { PASSTHROUGH_CLUSTER } from "../names.ts";
import type { MeshSettings } from "../read.ts";
import { NO_TIMEOUT } from "./timeout.ts";

export function fallbackVirtualHost(policy: MeshSettings["outboundTrafficPolicy"]): VirtualHost {
  return policy === "ALLOW_ANY" ? ALLOW_ANY : BLOCK_ALL;
}

const ALLOW_ANY: VirtualHost = {
  name: "allow_any",
  domains: ["*"],
  routes: [
    {
      name: "allow_any",
      match: { prefix: "/" },
      route: { cluster: PASSTHROUGH_CLUSTER, timeout: NO_TIMEOUT },
    },
  ],
  // Strangers are not told who calls them.
  requestHeadersToRemove: [PEER_HEADER],
  includeRequestAttemptCount: true,
};

const BLOCK_ALL: VirtualHost = {
  name: "block_all",
  domains: ["*"],
  routes: [{ name: "block_all", match: { prefix: "/" }, directResponse: { status: 502 } }],
  includeRequestAttemptCount: true,
};
