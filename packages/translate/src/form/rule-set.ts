/**
 * The intermediate form of routing rules: what Envoy's routes are made from, whichever API a rule was written in. Names are
 * resolved, deprecated spellings are gone, and every list is there, if empty.
 */
import type {
  CorsPolicy,
  Headers,
  HTTPDirectResponse,
  HTTPFaultInjection,
  HTTPRedirect,
  HTTPRetry,
  HTTPRewrite,
  PresentMatch,
  StringMatch,
} from "@heddle/model";

/** The rules of one object of the user's. */
export interface RuleSet {
  readonly origin: Origin;
  /** Full names, as `resolveHost` gives them. */
  readonly hosts: readonly string[];
  /** Ports of the service that the rules decide for in the mesh; all where it is left out. */
  readonly ports?: readonly number[];
  /** By request: the first one that matches decides. */
  readonly http: readonly HttpRule[];
  /** By the server name of a TLS connection that is passed on as it is: the first one that matches decides. */
  readonly tls: readonly TlsRule[];
  /** By connection, whatever it carries: the first one that matches decides. */
  readonly tcp: readonly TcpRule[];
}

/** The object that something was made of: leads from what Envoy holds, or refuses, back to what the user wrote. */
export interface Origin {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface HttpRule {
  readonly name?: string;
  /** The object that it is from, where a set joins the rules of several; the set's own where it is left out. */
  readonly origin?: Origin;
  /** Any one of them is enough. Never empty: a rule for everything has one that asks for nothing. */
  readonly matches: readonly HttpMatch[];
  /** At most one of `redirect` and `directResponse` is there, and then no destination counts. */
  readonly redirect?: HttpRedirect;
  readonly directResponse?: HTTPDirectResponse;
  readonly destinations: readonly HttpDestination[];
  /** A share of the requests, by weight beside the destinations', that has nowhere to go and is answered with an error. */
  readonly unresolved?: { readonly weight: number; readonly status: 404 | 500 | 503 };
  readonly rewrite?: HTTPRewrite;
  /** None where it is left out. */
  readonly timeout?: string;
  readonly retries?: HTTPRetry;
  readonly fault?: HTTPFaultInjection;
  readonly mirrors: readonly Mirror[];
  readonly cors?: CorsPolicy;
  readonly headers?: Headers;
  /** Keeps a client's requests on the endpoint that took the first one. */
  readonly session?: SessionAffinity;
  /** Requests go on only with its permission; also those that are answered here. */
  readonly authorization?: ExternalAuthorization;
}

/** A server that is asked whether a request may go on, with the first lines of the request; without its answer it may not. */
export interface ExternalAuthorization {
  /** `GRPC`: by Envoy's protocol for it; `HTTP`: by the request's own method and path, and 200 is a yes. */
  readonly protocol: "HTTP" | "GRPC";
  readonly destination: Destination;
  /** Goes in front of the request's path, without a slash at its end; empty for none. HTTP only. */
  readonly path: string;
  /** Headers that the server sees; where it is empty all with GRPC, and only those that HTTP always has with HTTP. */
  readonly requestHeaders: readonly string[];
  /** Headers of its answer that the request goes on with; all where it is empty. HTTP only. */
  readonly responseHeaders: readonly string[];
  /** Of a body that it sees as well; requests with a longer one are refused. None at 0. */
  readonly maxBodyBytes: number;
}

export interface HttpRedirect extends HTTPRedirect {
  /** What of the path becomes what, as a regular expression and its substitution; goes before `uri`. */
  readonly pathRewrite?: { readonly match: string; readonly rewrite: string };
}

/** The endpoint is remembered in a cookie, or in a header, that the client sends back. */
export type SessionAffinity =
  | {
      readonly cookie: string;
      readonly path: string;
      /** Until the client forgets it where it is left out. */
      readonly lifetime?: string;
    }
  | { readonly header: string };

export interface HttpMatch {
  readonly name?: string;
  /** The proxy counts the requests that it matches under this name, besides all else that is counted. */
  readonly statPrefix?: string;
  readonly path?: StringMatch;
  /** By whole segments, without a slash at its end: `/a` covers `/a` and `/a/b`, and not `/ab`. */
  readonly pathPrefix?: string;
  readonly ignorePathCase?: boolean;
  readonly scheme?: StringMatch;
  readonly method?: StringMatch;
  readonly authority?: StringMatch;
  readonly headers?: Readonly<Record<string, StringMatch | PresentMatch>>;
  readonly withoutHeaders?: Readonly<Record<string, StringMatch | PresentMatch>>;
  readonly queryParams?: Readonly<Record<string, StringMatch | PresentMatch>>;
  /** What must hold of the client and of the listener; decided in translation, not in Envoy. */
  readonly client: ClientMatch;
}

/** Undefined members ask for nothing. */
export interface ClientMatch {
  /** The port that the client addresses. */
  readonly port?: number;
  /** `mesh`, or `namespace/name` of gateways. */
  readonly gateways?: readonly string[];
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
}

export interface Destination {
  /** Full name. */
  readonly host: string;
  /** Without one: the service's only port, else the port that the client addressed. */
  readonly port?: number;
  readonly subset?: string;
}

export interface HttpDestination extends Destination {
  /** Share among the weights of the rule; a lone destination takes all. */
  readonly weight: number;
  readonly headers?: Headers;
}

export interface Mirror {
  readonly destination: Destination;
  /** 0 to 100. */
  readonly percent: number;
}

export interface TlsRule {
  /** Any one of them is enough. Never empty. */
  readonly matches: readonly TlsMatch[];
  readonly destinations: readonly ConnectionDestination[];
}

export interface TcpRule {
  /** Any one of them is enough. Never empty: a rule for everything has one that asks for nothing. */
  readonly matches: readonly ConnectionMatch[];
  readonly destinations: readonly ConnectionDestination[];
}

/** Undefined members ask for nothing. */
export interface ConnectionMatch {
  /** Addresses or subnets that the client connects to; any one of them. Only where its traffic is intercepted. */
  readonly destinationSubnets?: readonly string[];
  /** Address or subnet of the client. */
  readonly sourceSubnet?: string;
  /** What must hold of the client and of the listener. Behind a gateway only port and gateways count. */
  readonly client: ClientMatch;
}

export interface TlsMatch extends ConnectionMatch {
  /** Names or wildcards, lower case; any one of them. Never empty. */
  readonly serverNames: readonly string[];
}

export interface ConnectionDestination extends Destination {
  /** Share among the weights of the rule; a lone destination takes all. */
  readonly weight: number;
}
