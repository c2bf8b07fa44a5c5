/** Bundle endpoints, asked for real: by the Web's authorities and by a SPIFFE id; what is not followed, and what goes on meanwhile. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import tls from "node:tls";
import type { BundleEndpoint, FederatedTrust } from "@heddle/client";
import {
  type Authority,
  createRoot,
  exportPrivateKey,
  fingerprintsOf,
  generateKeyPair,
  issueLeaf,
  ROOT_LIFETIME,
  spiffeId,
  writeBundle,
} from "@heddle/pki";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createAuthority } from "../../../test/harness/certificates.ts";
import { createGuard, parseAllowed } from "../jwks/index.ts";
import { openStateDirectory, type StateDirectory } from "../state/state-directory.ts";
import { quiet } from "../testing/quiet-log.ts";
import { createFederatedTrusts, type FederatedTrusts } from "./federated-trust.ts";

const PARTNER = "partner.example";
const id = (account: string, trustDomain = PARTNER) =>
  spiffeId({ trustDomain, namespace: "spire", serviceAccount: account });
/** Soon enough for a test to see it. */
const SOON = { usual: 20, least: 20, most: 20 };

interface Made {
  readonly pem: string;
  readonly authority: Authority;
}
let first: Made;
let second: Made;
let folder: string;
let directory: StateDirectory;
let trusts: FederatedTrusts;
const changed = vi.fn();
/** What the endpoint answers with. */
let answer: { status?: number; headers?: Record<string, string>; body: string };
const servers: Server[] = [];
let web: string;
let spiffe: string;

async function serve(cert: string, key: string): Promise<string> {
  const server = createServer({ cert, key }, (_, response) => {
    const { status = 200, headers = {}, body } = answer;
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const bundleOf = async (sequence: number, ...roots: Made[]) =>
  JSON.stringify(
    await writeBundle(roots.map(({ pem }) => pem).join(""), { sequence, refreshHint: 1 }),
  );

beforeAll(async () => {
  first = await createRoot(PARTNER, { now: Date.now() });
  second = await createRoot(PARTNER, { now: Date.now() });
  const authority = await createAuthority("the Web");
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), authority.certificate]);
  const { chain, key } = await authority.issue("localhost");
  web = (await serve(chain, key)).replace("127.0.0.1", "localhost");
  const keys = await generateKeyPair();
  const own = await issueLeaf(first.authority, keys.publicKey, {
    ...{ now: Date.now(), spiffeId: id("server") },
  });
  spiffe = await serve(own.chain, await exportPrivateKey(keys.privateKey));
});
afterAll(() => {
  for (const server of servers) server.close();
});

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-federation-"));
  directory = await openStateDirectory(folder);
  answer = { body: await bundleOf(3, first) };
  changed.mockClear();
  trusts = await opened();
});
afterEach(async () => {
  await trusts.close();
  await directory.close();
  await rm(folder, { recursive: true });
});

const opened = async (allowed = "127.0.0.1,::1") => {
  const guard = createGuard({ allowed: parseAllowed(allowed.split(",")), isService: () => false });
  const made = await createFederatedTrusts({
    ...{ directory, guard, log: quiet, changed, told: () => {}, refresh: SOON },
  });
  made.start();
  return made;
};

const federated = (source: FederatedTrust["source"]) => [{ trustDomain: PARTNER, source }];
const byWeb = (at = web): BundleEndpoint => ({
  ...{ kind: "endpoint", profile: "https_web", url: at },
});
const bySpiffe = (endpointSpiffeId = id("server"), { pem: bootstrap } = first): BundleEndpoint => ({
  ...{ kind: "endpoint", profile: "https_spiffe", url: spiffe, endpointSpiffeId, bootstrap },
});
const roots = () => trusts.bundles().map(({ roots: pem }) => pem);
const report = () => trusts.report()?.items[0];
const inForce = (...made: Made[]) =>
  vi.waitFor(() => expect(roots()).toEqual([made.map(({ pem }) => pem).join("")]));
const failsWith = (code: string, says = "") =>
  vi.waitFor(() => expect(report()?.error).toMatch(new RegExp(`^${code}: .*${says}`)));

describe.each([
  ["https_web", byWeb],
  ["https_spiffe", bySpiffe],
] as const)("an endpoint of %s", (_, endpoint) => {
  it("is asked again and again, and what it says of its roots is in force", async () => {
    trusts.follow(federated(endpoint()));
    await inForce(first);
    answer = { body: await bundleOf(4, second, first) };
    await inForce(second, first);
    answer = { body: await bundleOf(5, second) };
    // Its own server's certificate leads to the root that it has left.
    if (endpoint === bySpiffe) await inForce(second).then(() => failsWith("HDL9115"));
    else await inForce(second);
    expect(report()).toMatchObject({ trustDomain: PARTNER, sequence: 5 });
    const [root] = report()?.roots ?? [];
    expect([root?.fingerprint]).toEqual(await fingerprintsOf(second.pem));
    expect(root?.subject).toContain(PARTNER);
    expect(changed).toHaveBeenCalledTimes(3);
  });
});

describe("what does not count", () => {
  it.each<[name: string, answered: () => Promise<typeof answer>, code: string]>([
    ["no answer", async () => ({ status: 503, body: "" }), "HDL9115"],
    [
      "another place",
      async () => ({ status: 302, headers: { location: "/" }, body: "" }),
      "HDL9115",
    ],
    [
      "what is packed",
      async () => ({ headers: { "content-encoding": "gzip" }, body: "" }),
      "HDL9115",
    ],
    ["no bundle", async () => ({ body: "{}" }), "HDL9116"],
    ["too much", async () => ({ body: `{"keys":[]${" ".repeat(600_000)}}` }), "HDL9116"],
    [
      "another trust domain's root",
      async () => ({
        body: await bundleOf(9, await createRoot("other.example", { now: Date.now() })),
      }),
      "HDL9116",
    ],
    [
      "a root that has expired",
      async () => ({
        body: await bundleOf(9, await createRoot(PARTNER, { now: Date.now() - 2 * ROOT_LIFETIME })),
      }),
      "HDL9116",
    ],
    ["an older bundle", async () => ({ body: await bundleOf(2, second) }), "HDL9118"],
  ])(
    "%s: what was there before goes on, and all is well again by itself",
    async (_, answered, code) => {
      trusts.follow(federated(byWeb()));
      await inForce(first);
      answer = await answered();
      await failsWith(code);
      expect(roots()).toEqual([first.pem]);
      answer = { body: await bundleOf(4, second, first) };
      await vi.waitFor(() => expect(roots()).toEqual([second.pem + first.pem]), 5_000);
      expect(report()?.error).toBeUndefined();
    },
  );

  it("is a server that shows another identity, or that other roots vouch for", async () => {
    trusts.follow(federated(bySpiffe(id("other"))));
    await failsWith("HDL9115", "it is spiffe://partner.example/ns/spire/sa/server");
    trusts.follow(federated(bySpiffe(id("server"), second)));
    await failsWith("HDL9115");
    trusts.follow(federated(byWeb(spiffe)));
    await failsWith("HDL9115");
    trusts.follow(federated({ ...bySpiffe(), url: web } as BundleEndpoint));
    await failsWith("HDL9115");
    expect(trusts.bundles()).toEqual([]);
  });

  it("is an internal address that nobody has allowed", async () => {
    const kept = trusts;
    trusts = await opened("192.0.2.1");
    for (const url of [web, spiffe, "https://169.254.169.254/latest"]) {
      trusts.follow(federated(byWeb(url)));
      await failsWith("HDL9117");
    }
    await kept.close();
  });
});

describe("what the plane names", () => {
  it("is in force as long as it is named, and given bundles at once", async () => {
    expect(trusts.report()).toBeUndefined();
    trusts.follow(federated({ kind: "bundle", bundle: first.pem }));
    expect(roots()).toEqual([first.pem]);
    trusts.follow(federated({ bundle: first.pem, kind: "bundle" }));
    expect(changed).toHaveBeenCalledTimes(1);
    trusts.follow([]);
    expect(trusts.bundles()).toEqual([]);
    expect(changed).toHaveBeenCalledTimes(2);
    expect(trusts.report()).toEqual({ type: "federations", items: [] });
  });

  it("is there again after a restart with neither plane nor endpoint", async () => {
    trusts.follow([
      ...federated(byWeb()),
      { trustDomain: "given.example", source: { kind: "bundle", bundle: second.pem } },
    ]);
    await vi.waitFor(() => expect(roots()).toHaveLength(2));
    await trusts.close();
    answer = { status: 503, body: "" };
    trusts = await opened();
    expect(trusts.bundles()).toEqual([
      { trustDomain: "given.example", roots: second.pem },
      { trustDomain: PARTNER, roots: first.pem },
    ]);
    trusts.follow([]);
    await trusts.close();
    trusts = await opened();
    expect(trusts.bundles()).toEqual([]);
  });

  it("is left out where no proxy could read it: it would refuse the mesh's own roots with it", async () => {
    const broken = first.pem.replace("BEGIN CERTIFICATE-----\n", "BEGIN CERTIFICATE-----\nAAAA");
    trusts.follow(federated({ kind: "bundle", bundle: broken }));
    await failsWith("HDL9116");
    expect(trusts.bundles()).toEqual([]);
  });
});
