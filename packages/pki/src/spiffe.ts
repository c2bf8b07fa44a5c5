/** SPIFFE identities as meshes write them: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`. */

import { PkiError } from "./pki-error.ts";

export interface WorkloadIdentity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** SPIFFE ID specification, section 2.1: lower-case letters, digits, dots, dashes and underscores. */
const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
/** Kubernetes' names of namespaces and service accounts (RFC 1123 subdomain). */
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
/** Sections 2.2 and 2.3: segments of these characters, none empty, and none that moves within the path. */
const PATH = /^(\/(?!\.{1,2}(\/|$))[a-zA-Z0-9._-]+)+$/;
/** Section 2.3: longer ones need not be taken by anybody. Bytes. */
const MAX_ID_BYTES = 2048;
const ID = /^spiffe:\/\/([^/]+)\/ns\/([^/]+)\/sa\/([^/]+)$/;

/** Throws `HDL7103` where a part is not a name. */
export function spiffeId({ trustDomain, namespace, serviceAccount }: WorkloadIdentity): string {
  const id = `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
  if (!TRUST_DOMAIN.test(trustDomain) || !NAME.test(namespace) || !NAME.test(serviceAccount))
    throw new PkiError("HDL7103", `${id} is not an identity.`);
  return id;
}

/** Throws `HDL7103` for anything else than an identity of this form. */
export function parseSpiffeId(id: string): WorkloadIdentity {
  const [, trustDomain, namespace, serviceAccount] = ID.exec(id) ?? [];
  if (!trustDomain || !namespace || !serviceAccount)
    throw new PkiError("HDL7103", `${id} is not an identity.`);
  const identity = { trustDomain, namespace, serviceAccount };
  spiffeId(identity);
  return identity;
}

/** Throws `HDL7103` where the text cannot name a trust domain. */
export function assertTrustDomain(trustDomain: string): void {
  if (!TRUST_DOMAIN.test(trustDomain))
    throw new PkiError("HDL7103", `${trustDomain} is not a trust domain.`);
}

/** Throws `HDL7103` for anything else than a workload's SPIFFE id, of whatever form its path is. */
export function assertSpiffeUri(uri: string): void {
  const [, trustDomain = "", path = ""] = /^spiffe:\/\/([^/]*)(.*)$/s.exec(uri) ?? [];
  if (uri.length > MAX_ID_BYTES)
    throw new PkiError(
      "HDL7103",
      `A SPIFFE id of ${uri.length} bytes; ${MAX_ID_BYTES} is the most.`,
    );
  if (!TRUST_DOMAIN.test(trustDomain) || !PATH.test(path))
    throw new PkiError("HDL7103", `${JSON.stringify(uri)} is not a workload's SPIFFE id.`);
}
