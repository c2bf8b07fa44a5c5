/** What Envoy's filters for access control judge by: a request, or a connection, with all that the proxy knows of it. */

export type Metadata = Readonly<Record<string, unknown>>;

export interface Question {
  /** In lower case, with `:method`, `:path` and `:authority`; none for a connection. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined in the clear, or without a client certificate. */
  readonly certificate: Certificate | undefined;
  /** Of the connection. */
  readonly directRemoteAddress: string;
  /** Of the client, as proxies before have told. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly localPort: number;
  /** Empty without TLS. */
  readonly serverName: string;
  /** What filters before have left, by their names. */
  readonly metadata: Readonly<Record<string, Metadata>>;
}

export interface Certificate {
  readonly uris: readonly string[];
  readonly names: readonly string[];
  readonly subject: string;
}
