/** Gateway certificates out of Kubernetes Secrets, as Istio's gateways read them. */
import type { MeshObject, Secret } from "@heddle/model";
import type { Secret as EnvoySecret } from "@heddle/envoy/extensions/transport_sockets/tls/v3";

/**
 * `kubernetes://<namespace>/<name>`, with `-cacert` behind the name for the bundle that the other side is verified against.
 * Without a namespace, as clusters have it, the proxy's own is meant.
 */
const NAME = /^kubernetes:\/\/(?:([^/]+)\/)?([^/]+)$/;
const CLIENT_CA = "-cacert";

export interface CredentialName {
  readonly namespace: string;
  readonly secret: string;
  /** The name is of a Secret to connect with, not to serve with. */
  readonly own: boolean;
  /** Only the bundle for the other side is meant. */
  readonly clientCa: boolean;
}

/** Undefined where the name is of another kind. */
export function parseCredentialName(
  name: string,
  proxyNamespace: string,
): CredentialName | undefined {
  const [, namespace, secret] = NAME.exec(name) ?? [];
  if (!secret) return undefined;
  const clientCa = secret.endsWith(CLIENT_CA);
  return {
    namespace: namespace ?? proxyNamespace,
    secret: clientCa ? secret.slice(0, -CLIENT_CA.length) : secret,
    own: namespace === undefined,
    clientCa,
  };
}

/** Key of the Secret that a credential is read from, best first: a bundle may have a Secret of its own. */
export function secretKeys({ namespace, secret, clientCa }: CredentialName): string[] {
  const key = (name: string) => `core/Secret/${namespace}/${name}`;
  return clientCa ? [key(secret + CLIENT_CA), key(secret)] : [key(secret)];
}

/**
 * The Envoy Secret that a credential is: `tls.crt` and `tls.key` (or `cert` and `key`) as certificate, `ca.crt` (or
 * `cacert`) as bundle. Undefined where the Secret lacks them.
 */
export function credential(
  name: string,
  wanted: CredentialName,
  object: MeshObject<Secret>,
): EnvoySecret | undefined {
  const { data = {} } = object.spec;
  const text = (...keys: string[]) =>
    keys.map((key) => data[key]).find((value) => value !== undefined);
  if (wanted.clientCa) {
    const bundle = text("ca.crt", "cacert");
    return bundle === undefined
      ? undefined
      : { name, validationContext: { trustedCa: { inlineBytes: bundle } } };
  }
  const [chain, key] = [text("tls.crt", "cert"), text("tls.key", "key")];
  if (chain === undefined || key === undefined) return undefined;
  return {
    name,
    tlsCertificate: { certificateChain: { inlineBytes: chain }, privateKey: { inlineBytes: key } },
  };
}
