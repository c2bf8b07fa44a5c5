/** Extension providers of a mesh, as Istio's MeshConfig has them: servers outside of the mesh's own that policies name. */

/** Exactly one of the protocols stands beside the name. */
export interface ExtensionProvider {
  /** What policies name it by; a DNS label. */
  readonly name: string;
  readonly envoyExtAuthzHttp?: HttpAuthorizer;
  readonly envoyExtAuthzGrpc?: GrpcAuthorizer;
}

/** A server that is asked whether a request, or a connection, is let in. */
export interface Authorizer {
  /** A host of the mesh, `auth.example.svc.cluster.local`, with its namespace in front where several have it: `example/…`. */
  readonly service: string;
  readonly port: number;
  /** How long its answer may take; 600 s where it is left out, as in Istio. */
  readonly timeout?: string;
  /** Lets in what it could not be asked of. */
  readonly failOpen?: boolean;
  /** What is answered, in digits, where it could not be asked; 403 where it is left out. */
  readonly statusOnError?: string;
  /** The route is chosen anew when it has changed headers of the request. */
  readonly clearRouteCache?: boolean;
  readonly includeRequestBodyInCheck?: RequestBodyInCheck;
}

/** Is asked by Envoy's protocol, `envoy.service.auth.v3.Authorization`; the only one that connections can be asked of. */
export type GrpcAuthorizer = Authorizer;

/** Is asked by a request with the same method and path; 200 is a yes. Headers are named whole, or by prefix or suffix (`x-*`, `*-id`). */
export interface HttpAuthorizer extends Authorizer {
  /** Goes in front of the request's path. */
  readonly pathPrefix?: string;
  /** Headers that it sees besides Host, Method, Path, Content-Length and Authorization. */
  readonly includeRequestHeadersInCheck?: readonly string[];
  /** The older name of `includeRequestHeadersInCheck`, which goes before it. */
  readonly includeHeadersInCheck?: readonly string[];
  /** Headers that it sees with these values, whatever the request has. */
  readonly includeAdditionalHeadersInCheck?: Readonly<Record<string, string>>;
  /** Headers of a yes that the request goes on with. */
  readonly headersToUpstreamOnAllow?: readonly string[];
  /** Headers of a no that the caller gets, besides Status, Content-Length, WWW-Authenticate and Location; all where it is left out. */
  readonly headersToDownstreamOnDeny?: readonly string[];
  /** Headers of a yes that the caller gets with the answer. */
  readonly headersToDownstreamOnAllow?: readonly string[];
}

export interface RequestBodyInCheck {
  /** Bytes that are held for the server; a request with more is answered with 413, unless a part of it is enough. */
  readonly maxRequestBytes?: number;
  /** The server gets the first `maxRequestBytes` of a longer body. */
  readonly allowPartialMessage?: boolean;
  /** As bytes instead of text; by Envoy's protocol alone. */
  readonly packAsBytes?: boolean;
}
