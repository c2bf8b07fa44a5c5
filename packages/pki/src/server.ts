/** Certificates for the names of servers, under authorities that vouch for nothing else: no identity of a workload is in them. */
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "./x509.ts";
import {
  type Authority,
  CLOCK_SKEW,
  type IssuedCertificate,
  openAuthority,
  serialNumber,
  sign,
} from "./authority.ts";
import { exportPrivateKey, generateKeyPair, P256_SHA256 } from "./keys.ts";
import { pemOf } from "./pem.ts";

/** PEM of a certificate and of its key (PKCS #8). */
export interface KeptKeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** A self-signed authority whose leaves are servers. Times in milliseconds, `now` since 1970. */
export async function createServerAuthority(
  name: string,
  { now, lifetime }: { readonly now: number; readonly lifetime: number },
): Promise<KeptKeyPair> {
  const keys = await generateKeyPair();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    // Two of one name would be taken for each other.
    name: `CN=${name} ${serialNumber().slice(0, 8)}, O=Heddle`,
    keys,
    signingAlgorithm: P256_SHA256,
    notBefore: new Date(now - CLOCK_SKEW),
    notAfter: new Date(now + lifetime),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pemOf(certificate), key: await exportPrivateKey(keys.privateKey) };
}

/** A server's certificate with a new key. It ends with its authority at the latest. Throws `HDL7105` where that one has ended. */
export async function issueServerCertificate(
  by: KeptKeyPair,
  {
    now,
    lifetime,
    names,
  }: {
    readonly now: number;
    readonly lifetime: number;
    /** DNS names and IP addresses. */
    readonly names: readonly string[];
  },
): Promise<KeptKeyPair & Pick<IssuedCertificate, "notAfter">> {
  const authority: Authority = await openAuthority("", by.certificate, by.key);
  const keys = await generateKeyPair();
  const [first = "server"] = names;
  const issued = await sign(
    authority,
    keys.publicKey,
    { now, lifetime },
    // A common name has 64 characters at most; nobody reads it.
    `CN=${first.slice(0, 64)}, O=Heddle`,
    [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({
          type: isAddress(value) ? ("ip" as const) : ("dns" as const),
          value,
        })),
      ),
    ],
  );
  return {
    certificate: issued.chain,
    key: await exportPrivateKey(keys.privateKey),
    notAfter: issued.notAfter,
  };
}

const isAddress = (name: string) => name.includes(":") || /^[\d.]+$/.test(name);
