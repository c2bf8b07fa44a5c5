/** GatewayClass, Gateway and ListenerSet: who serves an edge, and what it listens for. */
import type {
  LabelSelector,
  LocalObjectReference,
  ObjectReference,
  ParentGatewayReference,
  SecretObjectReference,
} from "./reference.ts";

export interface GatewayClass {
  readonly controllerName: string;
  readonly parametersRef?: ObjectReference;
  readonly description?: string;
}

export interface Gateway {
  readonly gatewayClassName: string;
  readonly listeners: readonly Listener[];
  readonly addresses?: readonly GatewayAddress[];
  readonly infrastructure?: GatewayInfrastructure;
  readonly allowedListeners?: { readonly namespaces?: ListenerNamespaces };
  readonly tls?: GatewayTLS;
  /** Routes that ask for default gateways attach to it. */
  readonly defaultScope?: "All" | "None";
}

export interface ListenerSet {
  readonly parentRef: ParentGatewayReference;
  readonly listeners: readonly Listener[];
}

export type ListenerTLSMode = "Terminate" | "Passthrough";

export interface Listener {
  readonly name: string;
  readonly hostname?: string;
  /** XListenerSet allows none. */
  readonly port?: number;
  /** HTTP, HTTPS, TLS, TCP, UDP, or what an implementation adds. */
  readonly protocol: string;
  readonly tls?: ListenerTLS;
  readonly allowedRoutes?: AllowedRoutes;
}

export interface ListenerTLS {
  readonly mode?: ListenerTLSMode;
  readonly certificateRefs?: readonly SecretObjectReference[];
  readonly options?: Readonly<Record<string, string>>;
}

export interface AllowedRoutes {
  readonly namespaces?: RouteNamespaces;
  readonly kinds?: readonly RouteGroupKind[];
}

export interface RouteNamespaces {
  /** `Same` where it is left out. */
  readonly from?: "All" | "Selector" | "Same";
  readonly selector?: LabelSelector;
}

export interface ListenerNamespaces {
  /** `None` where it is left out. */
  readonly from?: "All" | "Selector" | "Same" | "None";
  readonly selector?: LabelSelector;
}

export interface RouteGroupKind {
  readonly group?: string;
  readonly kind: string;
}

export interface GatewayAddress {
  /** IPAddress where it is left out. */
  readonly type?: string;
  readonly value?: string;
}

export interface GatewayInfrastructure {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly parametersRef?: LocalObjectReference;
}

export interface GatewayTLS {
  /** What the gateway presents to backends that ask for a certificate. */
  readonly backend?: { readonly clientCertificateRef?: SecretObjectReference };
  readonly frontend?: FrontendTLS;
}

/** Which clients' certificates are asked for, for all HTTPS listeners, and by port. */
export interface FrontendTLS {
  readonly default: FrontendTLSSettings;
  readonly perPort?: readonly { readonly port: number; readonly tls: FrontendTLSSettings }[];
}

export interface FrontendTLSSettings {
  readonly validation?: FrontendValidation;
}

export interface FrontendValidation {
  readonly caCertificateRefs: readonly ObjectReference[];
  /** AllowValidOnly where it is left out. */
  readonly mode?: "AllowValidOnly" | "AllowInsecureFallback";
}
