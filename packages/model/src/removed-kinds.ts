/** Kinds that Istio has taken away, and what stands in for each. */
import { groupOf } from "./object.ts";

const POLICIES = "PeerAuthentication and RequestAuthentication of security.istio.io/v1";
const AUTHORIZATION = "AuthorizationPolicy of security.istio.io/v1";

/** By group, and there by kind; `*` is every other kind of the group. */
const REMOVED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "authentication.istio.io": { Policy: POLICIES, MeshPolicy: POLICIES, "*": POLICIES },
  "rbac.istio.io": { "*": AUTHORIZATION },
  "config.istio.io": {
    RouteRule: "VirtualService of networking.istio.io/v1",
    IngressRule: "Gateway and VirtualService of networking.istio.io/v1",
    EgressRule: "ServiceEntry of networking.istio.io/v1",
    DestinationPolicy: "DestinationRule of networking.istio.io/v1",
    "*": "Telemetry of telemetry.istio.io/v1, or a WasmPlugin of extensions.istio.io/v1alpha1",
  },
  "install.istio.io": { "*": "heddle install, which takes the place of Istio's operator" },
};

/** What to use instead of a kind that older versions of Istio had; undefined for any other. */
export function replacementOf(apiVersion: string, kind: string): string | undefined {
  const group = groupOf(apiVersion);
  if (!Object.hasOwn(REMOVED, group)) return undefined;
  const kinds = REMOVED[group]!;
  return Object.hasOwn(kinds, kind) ? kinds[kind] : kinds["*"];
}
