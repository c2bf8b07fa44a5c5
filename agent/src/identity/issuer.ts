/** Who signs workload certificates: a root of one's own, an intermediate that the plane delegated, or the plane itself. */
import { X509Certificate } from "node:crypto";
import {
  type Authority,
  createRequest,
  createRoot,
  exportPrivateKey,
  generateKeyPair,
  issueLeaf,
  openAuthority,
  permitsDnsName,
  spiffeId,
} from "@heddle/pki";
import type { HeddleClient, IssuedCertificates, TrustBundle } from "@heddle/client";
import { z } from "zod";
import type { AgentLog } from "../log.ts";
import type { StateDirectory } from "../state/state-directory.ts";
import { rootOfChain } from "./roots.ts";

export interface CertificateRequest {
  readonly spiffeId: string;
  readonly keys: CryptoKeyPair;
  /** Says which of the workloads with this identity it is, from `workloadName`. */
  readonly workloadName?: string | undefined;
  /** Of the agent's own server: those that the issuer was made for. */
  readonly dnsNames?: readonly string[];
}

export interface Issued {
  /** PEM chains, leaf first, in the order of the requests. */
  readonly chains: readonly string[];
  readonly trustBundle: string;
}

export interface Issuer {
  /** Rejects where nothing can be signed now. */
  issue(requests: readonly CertificateRequest[], lifetime: number): Promise<Issued>;
  /** Calls back when it signs with another authority, or only others are to be trusted; returns how to stop. */
  subscribe?(listener: (change: IssuerChange) => void): () => void;
  /** PEM of the roots to be trusted; undefined before it knows of any. */
  trustBundle?(): string | undefined;
  /** PEM of the intermediate that it signs with, its chain behind it; undefined where it has none. */
  intermediate?(): string | undefined;
  /** Whose signature certificates wait for: where it is the plane's, they end while the plane is away. */
  readonly signedBy: "agent" | "plane";
  /** The fingerprint of the root that it signs from; undefined before it has signed. */
  root?(): string | undefined;
  /** Takes over what the plane has in force; rejects where that cannot be done now. */
  follow?(trust: TrustBundle): Promise<void>;
  close(): void;
}

export type IssuerChange = "authority" | "trust";

const authoritySchema = z.object({
  trustDomain: z.string(),
  /** PEM: the authority's certificate first, then what leads to the root. */
  certificate: z.string(),
  key: z.string(),
  trustBundle: z.string(),
  /** Milliseconds since 1970. */
  notAfter: z.number(),
  /** That an intermediate's leaves may have; a root's may have any. */
  dnsNames: z.array(z.string()).default([]),
});
type StoredAuthority = z.infer<typeof authoritySchema>;

/** A root of this machine's own, kept in the state directory: for `--standalone`. */
export async function localIssuer(directory: StateDirectory, trustDomain: string): Promise<Issuer> {
  const kept = await readAuthority(directory, "root.json", trustDomain);
  const stored = kept ?? (await makeRoot(directory, trustDomain));
  const authority = await openAuthority(trustDomain, stored.certificate, stored.key);
  return {
    signedBy: "agent",
    issue: (requests, lifetime) => issueAll(authority, stored.trustBundle, requests, lifetime),
    close() {},
  };
}

async function makeRoot(directory: StateDirectory, trustDomain: string): Promise<StoredAuthority> {
  const { keys, pem, authority } = await createRoot(trustDomain, { now: Date.now() });
  const stored = {
    trustDomain,
    certificate: pem,
    key: await exportPrivateKey(keys.privateKey),
    trustBundle: pem,
    notAfter: authority.certificate.notAfter.getTime(),
    dnsNames: [],
  };
  await directory.write("root.json", JSON.stringify(stored));
  return stored;
}

/** An intermediate is renewed when this share of its life is over: half of it is left to get the next one. */
const RENEW_AT = 0.5;
/** Milliseconds between tries to renew it. */
const RENEW_RETRY = { first: 500, longest: 60_000 };
const INTERMEDIATE = "intermediate.json";

/**
 * Signs with an intermediate of the plane, which lies in the state directory: certificates rotate, and an agent that
 * starts anew has them, for as long as the intermediate lives and the plane is away. `dnsNames`: what the agent's own server is
 * called; an intermediate from before they were asked for is replaced.
 */
export async function delegatedIssuer(
  directory: StateDirectory,
  client: HeddleClient,
  mesh: { readonly id: string; readonly trustDomain: string },
  log: AgentLog,
  dnsNames: readonly string[] = [],
): Promise<Issuer> {
  const kept = await readAuthority(directory, INTERMEDIATE, mesh.trustDomain);
  let current: { authority: Authority; stored: StoredAuthority } | undefined;
  if (kept)
    current = {
      authority: await openAuthority(mesh.trustDomain, kept.certificate, kept.key),
      stored: kept,
    };
  const listeners = new Set<(change: IssuerChange) => void>();
  const tell = (change: IssuerChange) => {
    for (const listener of listeners) listener(change);
  };
  /** Once the plane has named what is trusted, nothing else does: an answer may be older than that. */
  let trusted: string | undefined;
  let fetching: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let wait = RENEW_RETRY.first;

  const renew = (): Promise<void> => {
    fetching ??= fetchIntermediate(client, mesh, dnsNames)
      .then(async (fetched) => {
        const before = current?.stored;
        const stored = { ...fetched, trustBundle: trusted ?? fetched.trustBundle };
        current = {
          authority: await openAuthority(mesh.trustDomain, stored.certificate, stored.key),
          stored,
        };
        wait = RENEW_RETRY.first;
        if (before && rootOf(before) !== rootOf(stored)) tell("authority");
        else if (before && before.trustBundle !== stored.trustBundle) tell("trust");
        await keep(stored);
      })
      .finally(() => {
        fetching = undefined;
        plan();
      });
    return fetching;
  };
  const keep = (stored: StoredAuthority) =>
    directory.write(INTERMEDIATE, JSON.stringify(stored)).catch((error: unknown) =>
      log.error("HDL7212: the intermediate could not be kept on disk", {
        error: String(error),
      }),
    );
  /** Renews in time, and tries again where that fails. */
  const plan = () => {
    clearTimeout(timer);
    const due = current ? renewalTime(current.stored) - Date.now() : 0;
    if (due <= 0) wait = Math.min(wait * 2, RENEW_RETRY.longest);
    const after = due > 0 ? Math.min(due, MAX_TIMEOUT) : wait * (0.5 + Math.random() / 2);
    timer = setTimeout(() => {
      if (current && renewalTime(current.stored) > Date.now()) return plan();
      renew().catch((error: unknown) =>
        log.warn("the intermediate could not be renewed yet", { error: String(error) }),
      );
    }, after);
  };
  plan();
  return {
    signedBy: "agent",
    async issue(requests, lifetime) {
      if (!current || current.stored.notAfter <= Date.now()) await renew();
      const asked = requests.flatMap((request) => request.dnsNames ?? []);
      if (current && !asked.every((name) => current?.stored.dnsNames.includes(name))) await renew();
      if (!current) throw new Error("There is no intermediate.");
      return issueAll(current.authority, current.stored.trustBundle, requests, lifetime);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    trustBundle: () => current?.stored.trustBundle,
    intermediate: () => current?.stored.certificate,
    root: () => current && rootOf(current.stored),
    async follow({ trustBundle, issuer }) {
      trusted = trustBundle;
      if (current && current.stored.trustBundle !== trustBundle) {
        current = { ...current, stored: { ...current.stored, trustBundle } };
        tell("trust");
        await keep(current.stored);
      }
      // One that was on its way when the plane went on may be of the authority before.
      for (let tries = 0; tries < 2 && (!current || rootOf(current.stored) !== issuer); tries++)
        await renew();
      if (!current || rootOf(current.stored) !== issuer)
        throw new Error("The plane's intermediate does not lead to the root that it has named.");
    },
    close: () => clearTimeout(timer),
  };
}

const rootOf = ({ certificate, trustBundle }: StoredAuthority) =>
  rootOfChain(certificate, trustBundle);

/** Longer timers end at once. */
const MAX_TIMEOUT = 2 ** 31 - 1;

function renewalTime({ certificate, notAfter }: StoredAuthority): number {
  const notBefore = Date.parse(new X509Certificate(certificate).validFrom);
  return notBefore + (notAfter - notBefore) * RENEW_AT;
}

async function fetchIntermediate(
  client: HeddleClient,
  mesh: { readonly id: string; readonly trustDomain: string },
  dnsNames: readonly string[],
): Promise<StoredAuthority> {
  const keys = await generateKeyPair();
  const csr = await createRequest(
    keys,
    spiffeId({ trustDomain: mesh.trustDomain, namespace: "heddle", serviceAccount: "agent" }),
    dnsNames,
  );
  const path = `/v1/meshes/${encodeURIComponent(mesh.id)}/intermediates`;
  const { chains, trustBundle, expiresAt } = await client.transport.json<IssuedCertificates>(
    "POST",
    path,
    {
      body: { csr },
      signal: AbortSignal.timeout(10_000),
    },
  );
  return {
    trustDomain: mesh.trustDomain,
    certificate: chains[0] ?? "",
    key: await exportPrivateKey(keys.privateKey),
    trustBundle,
    notAfter: Date.parse(expiresAt),
    dnsNames: [...dnsNames],
  };
}

/** The plane signs each certificate: no authority's key is in the cluster, and nothing rotates while the plane is away. */
export function planeIssuer(client: HeddleClient, mesh: { readonly id: string }): Issuer {
  const listeners = new Set<(change: IssuerChange) => void>();
  let followed: TrustBundle | undefined;
  return {
    signedBy: "plane",
    async issue(requests, lifetime) {
      const csrs = await Promise.all(
        requests.map((request) =>
          createRequest(request.keys, request.spiffeId, dnsNamesOf(request)),
        ),
      );
      const path = `/v1/meshes/${encodeURIComponent(mesh.id)}/certificates`;
      const { chains, trustBundle } = await client.transport.json<IssuedCertificates>(
        "POST",
        path,
        {
          body: { csrs, lifetimeSeconds: Math.max(1, Math.round(lifetime / 1000)) },
          signal: AbortSignal.timeout(10_000),
        },
      );
      // The answer may be older than what the plane has named since.
      return { chains, trustBundle: followed?.trustBundle ?? trustBundle };
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    trustBundle: () => followed?.trustBundle,
    root: () => followed?.issuer,
    async follow(trust) {
      const before = followed;
      followed = trust;
      // Before the first time nobody knows what was issued from.
      const change = before?.issuer === trust.issuer ? "trust" : "authority";
      if (before?.version !== trust.version) for (const listener of listeners) listener(change);
    },
    close() {},
  };
}

export async function issueAll(
  authority: Authority,
  trustBundle: string,
  requests: readonly CertificateRequest[],
  lifetime: number,
): Promise<Issued> {
  const now = Date.now();
  const issued = await Promise.all(
    requests.map((request) =>
      issueLeaf(authority, request.keys.publicKey, {
        ...{ now, lifetime, spiffeId: request.spiffeId },
        dnsNames: dnsNamesOf(request, (name) => permitsDnsName(authority, name)),
      }),
    ),
  );
  return { chains: issued.map(({ chain }) => chain), trustBundle };
}

/** An authority of somebody's own may not permit names of workloads: their certificates are good without. */
function dnsNamesOf(
  { dnsNames = [], workloadName }: CertificateRequest,
  permitted: (name: string) => boolean = () => true,
): readonly string[] {
  return workloadName !== undefined && permitted(workloadName)
    ? [...dnsNames, workloadName]
    : dnsNames;
}

/** Undefined where there is none, it is of another trust domain, or it has expired. */
async function readAuthority(
  directory: StateDirectory,
  file: string,
  trustDomain: string,
): Promise<StoredAuthority | undefined> {
  const text = await directory.read(file);
  if (text === undefined) return undefined;
  const stored = authoritySchema.safeParse(parseJson(text));
  if (
    !stored.success ||
    stored.data.trustDomain !== trustDomain ||
    stored.data.notAfter <= Date.now()
  )
    return undefined;
  return stored.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
