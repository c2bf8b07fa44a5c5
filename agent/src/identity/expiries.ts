/** When certificates end, for whoever watches them: renewal that fails is seen long before an outage is. */
import { X509Certificate } from "node:crypto";
import { splitPem } from "@heddle/pki";
import type { WorkloadCertificates } from "./certificates.ts";
import type { Issuer } from "./issuer.ts";

/** Seconds since 1970, of the first that ends of each kind; undefined where there is none. */
export interface CertificateExpiries {
  readonly leaf: number | undefined;
  readonly intermediate: number | undefined;
  readonly root: number | undefined;
}

export function certificateExpiries(
  certificates: Pick<WorkloadCertificates, "all" | "trustBundle">,
  issuer: Pick<Issuer, "intermediate">,
): CertificateExpiries {
  const own = issuer.intermediate?.();
  return {
    leaf: first(certificates.all().map(({ notAfter }) => notAfter)),
    intermediate: own === undefined ? undefined : first([endOf(own)]),
    root: first(splitPem(certificates.trustBundle() ?? "").map(endOf)),
  };
}

const endOf = (pem: string) => Date.parse(new X509Certificate(pem).validTo);

function first(ends: readonly number[]): number | undefined {
  return ends.length === 0 ? undefined : Math.round(Math.min(...ends) / 1000);
}
