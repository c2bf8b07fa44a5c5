/**
 * The intermediate form of what gateways listen for: what Envoy's listeners and route configurations at the edge are made from,
 * whichever API they were written in. Names are resolved, deprecated spellings are gone, and every list is there, if empty.
 */
import type { TLSProtocol } from "@heddle/model";
import type { Origin } from "./rule-set.ts";

/**
 * One port of one gateway with the hosts that it takes: a server of Istio's Gateway, or a listener of the Gateway API's
 * Gateway or ListenerSet. Several of them may share a port, of one object or of many: those of one address and port become
 * one Envoy listener, and plain HTTP shares one route configuration for each port.
 */
export interface GatewayListener {
  readonly origin: Origin;
  /**
   * What rules are bound to: those that `rulesOfGateway` gives for it decide here. Istio's is `namespace/name` of the
   * Gateway. An API that binds rules to a single listener gives each listener a reference of its own, which holds no name
   * that a VirtualService could write, such as `namespace/name#section`.
   */
  readonly gateway: string;
  /** What its statistics go by, besides where it listens. */
  readonly name?: string;
  /** Unlike those of all other listeners of the same origin. */
  readonly section: string;
  /**
   * The port that clients address, by which rules match. Where the proxy listens is its own matter: the target port of the
   * gateway's Service.
   */
  readonly port: number;
  /** The address, or `unix://` path, that it binds; all addresses where it is left out. */
  readonly bind?: string;
  /**
   * `HTTP`: requests in the clear. `HTTPS`: TLS is taken off, and there are requests inside. `TLS`: by connection, either
   * passed on as it is, chosen by server name, or taken off and passed on as bytes. `TCP`: by connection, in the clear. `UDP`: datagrams.
   */
  readonly protocol: "HTTP" | "HTTPS" | "TLS" | "TCP" | "UDP";
  /** Never empty. */
  readonly hosts: readonly ListenerHost[];
  /** There for `HTTPS` and `TLS`, and only there. */
  readonly tls?: ListenerTls;
  /** Requests in the clear are sent to HTTPS, also those for hosts that no rule speaks of. */
  readonly httpsRedirect: boolean;
  /** Takes what no rule takes: an application beside the proxy, `127.0.0.1:PORT`, `[::1]:PORT` or `unix://PATH`. */
  readonly defaultEndpoint?: string;
  /**
   * Hosts of other listeners of the port. A request for one of them came by a connection that was opened for this listener, and
   * is told so: status 421 makes a client open another.
   */
  readonly misdirected?: readonly string[];
}

/** A host, and whose rules may speak for it. */
export interface ListenerHost {
  /** Lower case: a name, `*.suffix`, or `*`. */
  readonly host: string;
  /** Rules of these namespaces; of all where it is left out. */
  readonly namespaces?: readonly string[];
}

/** What becomes of TLS that clients speak. */
export type ListenerTls =
  /** It is passed on, chosen by the name that the client asks for. */
  | { readonly mode: "PASSTHROUGH" }
  /** The same, by Istio's names for clusters, without any rules: between the networks of one mesh. */
  | { readonly mode: "AUTO_PASSTHROUGH" }
  /** It is taken off with the workload's own certificate, and clients prove to be workloads of the mesh. */
  | { readonly mode: "MESH"; readonly parameters: TlsParameters }
  /** It is taken off with the gateway's certificates. */
  | {
      readonly mode: "TERMINATE";
      /** At most one of each kind of key. Without any, the listener can only refuse, and is left out. */
      readonly certificates: readonly CertificateSource[];
      /** Left out where clients are not asked who they are. */
      readonly clients?: ClientValidation;
      readonly parameters: TlsParameters;
    };

/**
 * `credential`: a Secret by name, in the namespace of the gateway's proxies, or `kubernetes://namespace/name`. Otherwise files
 * that the proxy reads.
 */
export type CertificateSource =
  | {
      readonly credential: string;
      /** The object may use it though it is not in the namespace of the gateway's proxies: it is its own, or was granted. */
      readonly granted?: true;
    }
  | { readonly certificateFile: string; readonly keyFile: string };

export interface ClientValidation {
  /** A client without a certificate is refused; otherwise it goes on unknown. */
  readonly required: boolean;
  /**
   * What the certificates of clients are verified against. `bundle` names a Secret of its own for it; `credential` is the
   * Secret with the gateway's certificate, which then has the bundle too, or `<credential>-cacert` beside it. Left out where
   * any certificate will do.
   */
  readonly authorities?:
    | { readonly bundle: string }
    /** PEM. */
    | { readonly inline: string }
    | { readonly credential: string }
    | { readonly file: string; readonly revocationFile?: string };
  /** Any one of them; all where it is empty. */
  readonly subjectAltNames: readonly string[];
  /** Base64 of SHA-256 of public keys; any one of them or of `hashes`. */
  readonly spki: readonly string[];
  /** Hexadecimal SHA-256 of certificates. */
  readonly hashes: readonly string[];
  /** A certificate that the authorities do not vouch for is let in as well; who it says its owner is, is nobody's word. */
  readonly acceptUntrusted: boolean;
}

export interface TlsParameters {
  /** 1.2 where it is left out. */
  readonly minimumVersion?: Exclude<TLSProtocol, "TLS_AUTO">;
  /** 1.3 where it is left out. */
  readonly maximumVersion?: Exclude<TLSProtocol, "TLS_AUTO">;
  /** For versions up to 1.2; Envoy's own where it is empty. */
  readonly cipherSuites: readonly string[];
  /** Of key exchange, in order of preference; Envoy's own where it is empty. */
  readonly ecdhCurves: readonly string[];
}
