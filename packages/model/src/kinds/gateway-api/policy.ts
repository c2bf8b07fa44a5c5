/** ReferenceGrant and BackendTLSPolicy. */
import type { LocalObjectReference } from "./reference.ts";

/** Lets objects of other namespaces refer to objects of its own. */
export interface ReferenceGrant {
  readonly from: readonly {
    readonly group: string;
    readonly kind: string;
    readonly namespace: string;
  }[];
  /** All objects of the kind where no name is given. */
  readonly to: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
}

/** TLS that is originated to the backends of a Service. */
export interface BackendTLSPolicy {
  readonly targetRefs: readonly PolicyTargetReference[];
  readonly validation: BackendTLSPolicyValidation;
  readonly options?: Readonly<Record<string, string>>;
}

export interface PolicyTargetReference extends LocalObjectReference {
  /** One port of the Service, by its name. */
  readonly sectionName?: string;
}

export interface BackendTLSPolicyValidation {
  readonly caCertificateRefs?: readonly LocalObjectReference[];
  /** `System`: the certificates that the proxy's image brings. */
  readonly wellKnownCACertificates?: string;
  /** Server name that is asked for, and that the certificate must have unless subjectAltNames say otherwise. */
  readonly hostname: string;
  readonly subjectAltNames?: readonly BackendSubjectAltName[];
}

export interface BackendSubjectAltName {
  readonly type: "Hostname" | "URI";
  readonly hostname?: string;
  readonly uri?: string;
}
