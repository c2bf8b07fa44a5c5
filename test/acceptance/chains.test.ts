/** What the mesh issues, and what lies outside of an intermediate's name constraints, before three judges: Envoy, OpenSSL and Go. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type Authority,
  createAuthorityRequest,
  createRoot,
  exportPrivateKey,
  generateKeyPair,
  issueIntermediate,
  issueLeaf,
  openAuthority,
  readAuthorityChain,
} from "@heddle/pki";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../../agent/src/testing/free-ports.ts";
import { type RunningEnvoy, startEnvoy } from "../harness/envoy-process.ts";

const TRUST_DOMAIN = "td.example";
const WEB = `spiffe://${TRUST_DOMAIN}/ns/shop/sa/web`;
const AGENT = "heddle-agent.heddle-system.svc";
const now = Date.now();

interface Case {
  readonly what: string;
  /** Of which root it is. */
  readonly root: string;
  readonly chain: string;
  readonly key: string;
  readonly taken: boolean;
}

let folder: string;
const place = (name: string) => path.join(folder, name);
const run = (command: string, args: readonly string[], cwd = folder) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

async function delegate(authority: Authority, dnsNames: string[] = []): Promise<Authority> {
  const keys = await generateKeyPair();
  const options = { now, name: "agent", dnsNames };
  const { chain } = await issueIntermediate(authority, keys.publicKey, options);
  return openAuthority(TRUST_DOMAIN, chain, await exportPrivateKey(keys.privateKey));
}

/** A root that OpenSSL has made signs the plane's intermediate. */
async function tenants(): Promise<{ authority: Authority; root: string }> {
  const keys = await generateKeyPair();
  writeFileSync(place("request.pem"), await createAuthorityRequest(keys, TRUST_DOMAIN));
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes"];
  const days = ["-days", "365"];
  run("openssl", [
    ...["req", "-x509", ...key, "-keyout", "acme.key", "-out", "acme.pem", ...days],
    ...["-subj", "/O=Acme/CN=Acme root", "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
  ]);
  const signed = run("openssl", [
    ...["x509", "-req", "-in", "request.pem", "-CA", "acme.pem", "-CAkey", "acme.key"],
    ...["-CAcreateserial", ...days, "-copy_extensions", "copyall"],
  ]);
  const pem = signed + run("openssl", ["x509", "-in", "acme.pem"]);
  const spki = await crypto.subtle.exportKey("spki", keys.publicKey);
  const asked = { trustDomain: TRUST_DOMAIN, spki, now: Date.now() };
  const { chain, root } = await readAuthorityChain(pem, asked);
  const privateKey = await exportPrivateKey(keys.privateKey);
  return { authority: await openAuthority(TRUST_DOMAIN, chain, privateKey), root };
}

async function rsaKeys(): Promise<CryptoKeyPair> {
  const algorithm = {
    ...{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048 },
    publicExponent: Uint8Array.of(1, 0, 1),
  };
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

async function cases(): Promise<Case[]> {
  const planes = await createRoot(TRUST_DOMAIN, { now });
  const acme = await tenants();
  const keys = { ec: await generateKeyPair(), rsa: await rsaKeys() };
  const found: Case[] = [];
  const add = async (
    what: string,
    { authority, root }: { authority: Authority; root: string },
    taken: boolean,
    spiffeId = WEB,
    dnsNames: string[] = [],
    kind: keyof typeof keys = "ec",
  ) => {
    const { publicKey, privateKey } = keys[kind];
    // Whoever has an intermediate's key may say what trust domain it is of.
    const trustDomain = new URL(spiffeId).hostname;
    const signer = { ...authority, trustDomain };
    const { chain } = await issueLeaf(signer, publicKey, { now, spiffeId, dnsNames });
    found.push({ what, root, chain, key: await exportPrivateKey(privateKey), taken });
  };
  for (const [name, top] of [
    ["the plane's root", { authority: planes.authority, root: planes.pem }],
    ["the tenant's root", acme],
  ] as const) {
    const of = { authority: await delegate(top.authority), root: top.root };
    const served = { authority: await delegate(top.authority, [AGENT]), root: top.root };
    await add(`${name}, directly`, top, true);
    await add(`${name}, by an agent`, of, true);
    await add(`${name}, RSA`, of, true, WEB, [], "rsa");
    const workload = ["web-v1.shop.workload.td.example"];
    await add(`${name}, with its workload's name`, of, true, WEB, workload);
    await add(`${name}, with the agent's name`, served, true, WEB, [AGENT]);
    await add(`${name}, another trust domain`, of, false, "spiffe://other.example/ns/shop/sa/web");
    await add(`${name}, one below`, of, false, "spiffe://c1.td.example/ns/shop/sa/web");
    await add(`${name}, one above`, of, false, "spiffe://example/ns/shop/sa/web");
    await add(`${name}, a server's name`, of, false, WEB, ["web.shop.svc"]);
    await add(`${name}, another workload zone`, of, false, WEB, ["a.b.workload.other.example"]);
    await add(`${name}, another server than the agent`, served, false, WEB, ["web.shop.svc"]);
    // An agent's intermediate is an authority for leaves alone.
    const deeper = { authority: await delegate(of.authority), root: top.root };
    await add(`${name}, below an agent's intermediate`, deeper, false);
    const other = { authority: await delegate(top.authority), root: found[0]?.root ?? "" };
    if (top.root !== other.root) await add(`${name}, before another root`, other, false);
  }
  return found;
}

let all: Case[];
let envoys: Map<string, { envoy: RunningEnvoy; port: number }>;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "heddle-chains-"));
  all = await cases();
  envoys = new Map();
  for (const root of new Set(all.map((each) => each.root)))
    envoys.set(root, await verifier(root, all[0] as Case));
});
afterAll(async () => {
  for (const { envoy } of envoys?.values() ?? []) await envoy.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** An Envoy that lets in whom a root vouches for. */
async function verifier(root: string, server: Case) {
  const [port = 0, admin = 0] = await freePorts(2);
  const at = (portValue: number) => ({ socketAddress: { address: "127.0.0.1", portValue } });
  const envoy = await startEnvoy({
    admin: { address: at(admin) },
    staticResources: {
      listeners: [
        {
          ...{ name: "verifier", address: at(port) },
          filterChains: [
            {
              transportSocket: {
                name: "envoy.transport_sockets.tls",
                typedConfig: {
                  "@type":
                    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                  requireClientCertificate: true,
                  commonTlsContext: {
                    tlsCertificates: [
                      {
                        certificateChain: { inlineString: server.chain },
                        privateKey: { inlineString: server.key },
                      },
                    ],
                    validationContext: { trustedCa: { inlineString: root } },
                  },
                },
              },
              filters: [
                {
                  name: "envoy.filters.network.http_connection_manager",
                  typedConfig: {
                    "@type":
                      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    statPrefix: "verifier",
                    routeConfig: {
                      virtualHosts: [
                        {
                          ...{ name: "all", domains: ["*"] },
                          routes: [{ match: { prefix: "/" }, directResponse: { status: 200 } }],
                        },
                      ],
                    },
                    httpFilters: [
                      {
                        name: "envoy.filters.http.router",
                        typedConfig: {
                          "@type":
                            "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                        },
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
    },
  });
  return { envoy, port };
}

const letIn = ({ root, chain: cert, key }: Case): Promise<boolean> =>
  new Promise((resolve) => {
    const port = envoys.get(root)?.port;
    const request = https.get(
      { ...{ host: "127.0.0.1", port, cert, key }, rejectUnauthorized: false, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on("error", () => resolve(false));
  });

test("Envoy, OpenSSL and Go take what is issued, and refuse alike what lies outside of the name constraints", async () => {
  const verdicts = [];
  run(
    "go",
    ["build", "-buildvcs=false", "-o", place("go-x509"), "."],
    path.join(import.meta.dirname, "go-x509"),
  );
  for (const each of all) {
    writeFileSync(place("root.pem"), each.root);
    writeFileSync(place("chain.pem"), each.chain);
    const files = ["-CAfile", "root.pem", "-untrusted", "chain.pem", "chain.pem"];
    let openssl = true;
    try {
      run("openssl", ["verify", "-x509_strict", "-purpose", "sslclient", ...files]);
    } catch {
      openssl = false;
    }
    const go = run(place("go-x509"), ["root.pem", "chain.pem"]).trim() === "OK";
    verdicts.push({ what: each.what, envoy: await letIn(each), openssl, go });
  }
  const expected = all.map(({ what, taken }) => ({
    what,
    envoy: taken,
    openssl: taken,
    go: taken,
  }));
  expect(verdicts).toEqual(expected);
  const taken = all.filter((each) => each.taken).length;
  console.log(`${taken} chains taken and ${all.length - taken} refused by all three`);
});
