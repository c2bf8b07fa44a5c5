/** A certificate authority for tests: SPIFFE identities for workloads, DNS names for gateways. */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { Secret } from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import { TRUST_BUNDLE_SECRET, WORKLOAD_SECRET } from "@heddle/translate";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: "SHA-256",
} as const;
const HOUR_MS = 3_600_000;

export interface Leaf {
  readonly chain: string;
  readonly key: string;
}

export interface TestAuthority {
  readonly certificate: string;
  /** `spiffe://…` or DNS names, or both; from an hour ago, for a day unless told otherwise. */
  issue(
    name: string | readonly string[],
    key?: "ecdsa" | "rsa",
    until?: { readonly notAfter: Date },
  ): Promise<Leaf>;
  /** What has been issued and does not count any more. */
  revocationList(revoked: readonly Leaf[]): Promise<string>;
}

export async function createAuthority(commonName = "test root"): Promise<TestAuthority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const lifetime = {
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + 24 * HOUR_MS),
  };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
    ],
    ...lifetime,
  });
  return {
    certificate: root.toString("pem"),
    async issue(name, kind = "ecdsa", until?: { readonly notAfter: Date }) {
      const algorithm = kind === "rsa" ? RSA : ALGORITHM;
      const leafKeys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      const names = [name].flat().map((value: string) => ({
        type: value.startsWith("spiffe:") ? ("url" as const) : ("dns" as const),
        value,
      }));
      const leaf = await x509.X509CertificateGenerator.create({
        subject: "",
        issuer: root.subject,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.SubjectAlternativeNameExtension(names, true),
          // X.509-SVID, section 4.3: Envoy's validator of SPIFFE ids takes no other.
          ...(names.some(({ type }) => type === "url")
            ? [new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true)]
            : []),
          new x509.ExtendedKeyUsageExtension([
            x509.ExtendedKeyUsage.serverAuth,
            x509.ExtendedKeyUsage.clientAuth,
          ]),
        ],
        ...lifetime,
        ...until,
      });
      const key = await crypto.subtle.exportKey("pkcs8", leafKeys.privateKey);
      return { chain: leaf.toString("pem"), key: x509.PemConverter.encode(key, "PRIVATE KEY") };
    },
    async revocationList(revoked) {
      const list = await x509.X509CrlGenerator.create({
        issuer: root.subject,
        thisUpdate: lifetime.notBefore,
        nextUpdate: lifetime.notAfter,
        entries: revoked.map(({ chain }) => ({
          serialNumber: new x509.X509Certificate(chain).serialNumber,
          revocationDate: lifetime.notBefore,
          // Without any extension of the entry the library writes an empty list of them, which is not allowed.
          reason: x509.X509CrlReason.keyCompromise,
        })),
        signingAlgorithm: ALGORITHM,
        signingKey: keys.privateKey,
      });
      return x509.PemConverter.encode(list.rawData, "X509 CRL");
    },
  };
}

/** What SDS would give a workload. */
export function workloadSecrets({ chain, key }: Leaf, roots: string): readonly Secret[] {
  return [
    certificateSecret(WORKLOAD_SECRET, { chain, key }),
    { name: TRUST_BUNDLE_SECRET, validationContext: { trustedCa: { inlineString: roots } } },
  ];
}

export function certificateSecret(name: string, { chain, key }: Leaf): Secret {
  return {
    name,
    tlsCertificate: {
      certificateChain: { inlineString: chain },
      privateKey: { inlineString: key },
    },
  };
}
