/** What a TLS port shows: connections get the newest certificate, and none is made before there is one. */
import { experimental, type ServerCredentials } from "@grpc/grpc-js";

/** Both in PEM, the leaf first. */
export interface ShownCertificate {
  readonly chain: string;
  readonly privateKey: string;
}

export interface CertificatePort {
  /** Of a server; clients prove themselves by tokens. */
  readonly credentials: ServerCredentials;
  /** Connections from now on get this one; those that are open go on. */
  show(certificate: ShownCertificate): void;
}

type Provider = Parameters<typeof experimental.createCertificateProviderServerCredentials>[0];
type Listener = Parameters<Provider["addIdentityCertificateListener"]>[0];

export function createCertificatePort(): CertificatePort {
  const servers = new Set<Listener>();
  let current: { readonly certificate: Buffer; readonly privateKey: Buffer } | undefined;
  const provider: Provider = {
    addIdentityCertificateListener(listener) {
      servers.add(listener);
      listener(current ?? null);
    },
    removeIdentityCertificateListener: (listener) => void servers.delete(listener),
    addCaCertificateListener() {},
    removeCaCertificateListener() {},
  };
  return {
    // Its parameters are named the other way round in its types: the certificate's provider comes first.
    credentials: experimental.createCertificateProviderServerCredentials(provider, null, false),
    show({ chain, privateKey }) {
      current = { certificate: Buffer.from(chain), privateKey: Buffer.from(privateKey) };
      for (const server of servers) server(current);
    },
  };
}
