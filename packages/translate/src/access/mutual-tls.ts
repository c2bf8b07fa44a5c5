/** Whether a connection is taken at all: by what PeerAuthentication asks for, and by whose the caller's certificate is. */
import type { AccessStep } from "@heddle/model";
import type { Asked } from "./asked.ts";

export function mutualTlsStep(
  { principal, mutualTls: { mode, policy } }: Asked,
  trustDomains: readonly string[],
): AccessStep {
  const by = policy
    ? `PeerAuthentication ${nameOfKey(policy)} says`
    : "no PeerAuthentication says otherwise, which is";
  const step = { check: "mutual TLS", objects: policy ? [policy] : [] } as const;
  const passes = (reason: string): AccessStep => ({ ...step, outcome: "passes", reason });
  if (mode === "DISABLE")
    return passes(`${by} DISABLE: TLS is not looked into, and nobody has an identity.`);
  if (principal === undefined) {
    return mode === "STRICT"
      ? {
          ...step,
          outcome: "depends",
          reason: `${by} STRICT, and whether the caller comes with mutual TLS is not known.`,
        }
      : passes(`${by} PERMISSIVE: plaintext is taken as well as mutual TLS.`);
  }
  if (principal === null) {
    return mode === "STRICT"
      ? {
          ...step,
          outcome: "refused",
          reason: `${by} STRICT: a connection in plaintext is closed without an answer.`,
          remedy:
            "Let the caller join the mesh, so that it comes with mutual TLS; `heddle mtls plan` shows who else does not.",
        }
      : passes(`${by} ${mode}: plaintext is taken, and has no identity.`);
  }
  const domain = /^spiffe:\/\/([^/]+)\//.exec(principal)?.[1];
  if (domain === undefined || !trustDomains.includes(domain))
    return {
      ...step,
      outcome: "refused",
      reason: `The caller's certificate is not of the mesh: ${principal} is in none of the trust domains that it takes, ${trustDomains.join(", ")}. The handshake fails.`,
      remedy:
        "Where identities of another trust domain are the mesh's own, name it among `trustDomainAliases` of the mesh; where they are another mesh's, federate with it by `heddle ca federate`.",
    };
  return passes(`${by} ${mode}; the caller is ${principal}.`);
}

/** `namespace/name` of an object's key. */
function nameOfKey(key: string): string {
  return key.split("/").slice(2).join("/");
}
