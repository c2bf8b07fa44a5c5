/** Kubernetes' Ingress and IngressClass: the fields that a mesh reads. */

export interface Ingress {
  readonly ingressClassName?: string;
  readonly defaultBackend?: IngressBackend;
  readonly tls?: readonly IngressTLS[];
  readonly rules?: readonly IngressRule[];
}

export interface IngressTLS {
  readonly hosts?: readonly string[];
  readonly secretName?: string;
}

export interface IngressRule {
  /** Exact, or with `*.` in front; every host without it. */
  readonly host?: string;
  readonly http?: { readonly paths: readonly IngressPath[] };
}

export interface IngressPath {
  readonly path?: string;
  readonly pathType: "Exact" | "Prefix" | "ImplementationSpecific";
  readonly backend: IngressBackend;
}

/** Exactly one of the two; Istio serves services only. */
export interface IngressBackend {
  readonly service?: {
    readonly name: string;
    /** Exactly one of the two. */
    readonly port?: { readonly name?: string; readonly number?: number };
  };
  readonly resource?: { readonly apiGroup?: string; readonly kind: string; readonly name: string };
}

export interface IngressClass {
  /** `istio.io/ingress-controller` is the mesh's. */
  readonly controller?: string;
}
