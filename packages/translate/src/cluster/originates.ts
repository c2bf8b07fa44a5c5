/** Which clients start TLS with certificates of the user's own. */
import type { ClientTLSSettings } from "@heddle/model";
import type { ClusterContext } from "./feature.ts";

/**
 * Whether the proxy starts TLS by these settings. Secrets are for gateways, and for sidecars that a rule selects: as in Istio
 * other sidecars pass by a rule that names one, since most of them could not read it and would never be ready.
 */
export function originates(
  { reach, selected }: ClusterContext,
  { mode, credentialName }: ClientTLSSettings,
): boolean {
  if (mode !== "SIMPLE" && mode !== "MUTUAL") return false;
  return !credentialName || selected || reach === "gateway";
}
