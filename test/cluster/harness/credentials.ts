/**
 * What the parts of a cluster know each other by: an authority, a certificate for each part with the names that Kubernetes'
 * own roles are bound to, and the key of service accounts' tokens. Laid out as kubeadm does.
 */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { generateKeyPairSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const HOUR_MS = 3_600_000;
const LIFETIME_MS = 30 * 24 * HOUR_MS;
/** Clocks of machines differ. */
const EARLIER_MS = HOUR_MS;

/** Whom the API server takes for an administrator. */
const MASTERS = "system:masters";

export interface Names {
  /** Under which the API server is reached, besides its names inside the cluster. */
  readonly apiServer: readonly string[];
  /** Of the node, with its address; none where there is no node. */
  readonly node?: { readonly name: string; readonly address: string };
}

/** A certificate's subject and alternative names; with these it is a server's, without them a client's. */
interface Subject {
  readonly name: string;
  readonly group?: string;
  readonly dns?: readonly string[];
  readonly ip?: readonly string[];
}

/** Clients of the API server, each with a kubeconfig `<name>.kubeconfig`. */
const CLIENTS = {
  admin: { name: "admin", group: MASTERS },
  controllers: { name: "system:kube-controller-manager" },
  scheduler: { name: "system:kube-scheduler" },
  "kube-proxy": { name: "system:kube-proxy" },
} as const satisfies Record<string, Subject>;

/** Fills `folder`; `server` is the API server's URL. Files are for their owner alone. */
export async function writeCredentials(
  folder: string,
  server: string,
  { apiServer, node }: Names,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const write = (name: string, text: string) =>
    writeFile(path.join(folder, name), text, { mode: 0o600 });
  const writePair = async (name: string, { certificate, key }: Pair) => {
    await write(`${name}.crt`, certificate);
    await write(`${name}.key`, key);
  };
  const authority = await createAuthority("kubernetes");
  await writePair("ca", authority);
  const isAddress = (name: string) => /^[\d.]+$/.test(name);
  const dns = ["", ".default", ".default.svc", ".default.svc.cluster.local"];
  await writePair(
    "apiserver",
    await authority.issue({
      name: "kube-apiserver",
      dns: [
        ...dns.map((end) => `kubernetes${end}`),
        ...apiServer.filter((each) => !isAddress(each)),
      ],
      ip: apiServer.filter(isAddress),
    }),
  );
  const client = await authority.issue({ name: "kube-apiserver-kubelet-client", group: MASTERS });
  await writePair("apiserver-kubelet-client", client);
  const front = await createAuthority("front-proxy-ca");
  await writePair("front-proxy-ca", front);
  await writePair("front-proxy-client", await front.issue({ name: "front-proxy-client" }));
  const accounts = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await write("sa.key", accounts.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  await write("sa.pub", accounts.publicKey.export({ type: "spki", format: "pem" }).toString());
  const clients: Record<string, Subject> = { ...CLIENTS };
  if (node) {
    clients["kubelet"] = { name: `system:node:${node.name}`, group: "system:nodes" };
    await writePair(
      "kubelet",
      await authority.issue({
        name: `system:node:${node.name}`,
        dns: [node.name],
        ip: [node.address],
      }),
    );
  }
  for (const [name, subject] of Object.entries(clients))
    await write(
      `${name}.kubeconfig`,
      kubeconfig(server, authority.certificate, await authority.issue(subject)),
    );
}

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

interface Authority extends Pair {
  issue(subject: Subject): Promise<Pair>;
}

async function createAuthority(name: string): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const { KeyUsageFlags } = x509;
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
    ],
    ...lifetime(),
  });
  return {
    ...(await pair(root, keys.privateKey)),
    async issue({ name: commonName, group, dns, ip }) {
      const leafKeys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
      const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
      const names = [
        ...(dns ?? []).map((value) => ({ type: "dns" as const, value })),
        ...(ip ?? []).map((value) => ({ type: "ip" as const, value })),
      ];
      const leaf = await x509.X509CertificateGenerator.create({
        subject: `${group === undefined ? "" : `O=${group}, `}CN=${commonName}`,
        issuer: root.subject,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([names.length > 0 ? serverAuth : clientAuth]),
          ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
        ],
        ...lifetime(),
      });
      return pair(leaf, leafKeys.privateKey);
    },
  };
}

function lifetime() {
  const now = Date.now();
  return { notBefore: new Date(now - EARLIER_MS), notAfter: new Date(now + LIFETIME_MS) };
}

async function pair(certificate: x509.X509Certificate, key: CryptoKey): Promise<Pair> {
  const exported = await crypto.subtle.exportKey("pkcs8", key);
  return {
    certificate: `${certificate.toString("pem")}\n`,
    key: x509.PemConverter.encode(exported, "PRIVATE KEY"),
  };
}

/** JSON is YAML; everything inside, so that the file can be moved. */
function kubeconfig(server: string, ca: string, { certificate, key }: Pair): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "heddle", cluster: { server, "certificate-authority-data": base64(ca) } }],
    users: [
      {
        name: "heddle",
        user: { "client-certificate-data": base64(certificate), "client-key-data": base64(key) },
      },
    ],
    contexts: [{ name: "heddle", context: { cluster: "heddle", user: "heddle" } }],
    "current-context": "heddle",
  });
}
