/** The roots of public certificates, for rules that originate TLS and name no roots of their own. */
import type { Secret as EnvoySecret } from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import { SYSTEM_ROOTS_SECRET } from "@heddle/translate";
import { getCACertificates } from "node:tls";

let known: EnvoySecret | undefined;

/** What the agent's system trusts; on one without any, what comes with Node (Mozilla's list). */
export function systemRoots(): EnvoySecret {
  if (known !== undefined) return known;
  const system = getCACertificates("system");
  const roots = system.length > 0 ? system : getCACertificates("bundled");
  known = {
    name: SYSTEM_ROOTS_SECRET,
    validationContext: { trustedCa: { inlineString: roots.join("\n") } },
  };
  return known;
}
