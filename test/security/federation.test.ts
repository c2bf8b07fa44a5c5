/** Attacks by whom a mesh federates with, or who would like it to: on the plane's word of it, and on proxies, real Envoys. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  createClient,
  HeddleApiError,
  type HeddleClient,
  type NewFederation,
} from "@heddle/client";
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import { createRoot } from "@heddle/pki";
import { TRUST_BUNDLE_SECRET } from "@heddle/translate";
import { afterAll, beforeAll, describe } from "vitest";
import { peerValidation } from "../../agent/src/identity/peer-validation.ts";
import { quiet } from "../../agent/src/testing/quiet-log.ts";
import { createPlane, type Plane } from "../../apps/api/src/node/create-plane.ts";
import { createTenant } from "../../apps/api/src/tenancy/service.ts";
import { greeting } from "../harness/bytes.ts";
import { createAuthority, type Leaf } from "../harness/certificates.ts";
import { envoyBinary } from "../harness/envoy-process.ts";
import { startedMesh } from "../harness/mesh.ts";
import { authorizationPolicy, peerAuthentication, service } from "../harness/objects.ts";
import { attack } from "./attack.ts";

describe("a federation", () => {
  let folder: string;
  let plane: Plane;
  let own: HeddleClient;
  let victim: HeddleClient;
  const ids = { own: "", victim: "" };
  const roots = new Map<string, string>();
  const as = (token: string) =>
    createClient({
      ...{ baseUrl: "http://plane.test", token, retries: 0 },
      fetch: async (input, init) => plane.app.request(String(input), init),
    });
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-attacks-"));
    plane = await createPlane({ dataDir: folder, log: quiet });
    own = as(plane.adminToken);
    victim = as((await createTenant(plane.deps, "victim")).token);
    ids.own = (await own.createMesh({ name: "own", trustDomain: "own.example" })).id;
    ids.victim = (await victim.createMesh({ name: "own", trustDomain: "victim.example" })).id;
    for (const [client, id] of [
      [own, ids.own],
      [victim, ids.victim],
    ] as const)
      await client.trustBundle(id);
    for (const name of ["own.example", "victim.example", "evil.example", "alias.example"])
      roots.set(name, (await createRoot(name, { now: Date.now() })).pem);
    await own.changeMesh(ids.own, { trustDomainAliases: ["alias.example"] });
  });
  afterAll(async () => {
    await plane?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The status and code of a refusal; else what has come into force of it. */
  const tried = async (call: () => Promise<unknown>): Promise<string> => {
    try {
      const answer = await call();
      return JSON.stringify(answer ?? "done");
    } catch (error) {
      if (!(error instanceof HeddleApiError)) throw error;
      return `${error.status} ${error.code}`;
    }
  };
  const says = (trustDomain: string, source: NewFederation, client = own, mesh = ids.own) =>
    tried(() => client.federate(mesh, trustDomain, source));
  const trusts = async (client: HeddleClient, mesh: string) =>
    ((await client.trustBundle(mesh)).federations ?? []).map(({ trustDomain }) => trustDomain);
  const given = (of: string) => ({ kind: "bundle", bundle: roots.get(of) ?? "" }) as const;

  attack(
    "with another tenant's mesh, which has said nothing",
    { wants: "its identities to be let in there", gets: "victim: , own: " },
    async () => {
      await says("victim.example", { kind: "mesh", mesh: ids.victim });
      const theirs = await trusts(victim, ids.victim);
      return `victim: ${theirs.join()}, own: ${(await trusts(own, ids.own)).join()}`;
    },
  );
  attack(
    "with a mesh that may be there or not",
    { wants: "to learn which meshes other tenants have", gets: "alike" },
    async () => {
      const answers = [];
      for (const mesh of [ids.victim, crypto.randomUUID()]) {
        const {
          state,
          roots: shown,
          agents,
        } = await own.federate(ids.own, "victim.example", {
          ...{ kind: "mesh", mesh },
        });
        answers.push(JSON.stringify({ state, shown, agents }));
      }
      return answers[0] === answers[1] ? "alike" : answers.join(" ");
    },
  );
  attack(
    "with a mesh that has agreed to another one",
    { wants: "to pass for whom it meant", gets: "" },
    async () => {
      const other = await own.createMesh({ name: "other", trustDomain: "other.example" });
      await own.trustBundle(other.id);
      await victim.federate(ids.victim, "other.example", { kind: "mesh", mesh: other.id });
      await says("victim.example", { kind: "mesh", mesh: ids.victim });
      const shown = await trusts(victim, ids.victim);
      await victim.unfederate(ids.victim, "other.example");
      return shown.join();
    },
  );
  attack(
    "with another tenant's mesh, said in its place",
    { wants: "to agree for both", gets: "404 HDL1020" },
    () => says("own.example", { kind: "mesh", mesh: ids.own }, own, ids.victim),
  );
  attack(
    "of another tenant, listed",
    { wants: "to learn who its partners are", gets: "404 HDL1020" },
    () => tried(() => own.federations(ids.victim)),
  );
  attack("of another tenant, taken back", { wants: "to cut it off", gets: "404 HDL1020" }, () =>
    tried(() => own.unfederate(ids.victim, "own.example")),
  );
  for (const [name, trustDomain] of [
    ["with the mesh's own trust domain", "own.example"],
    ["with an alias of it", "alias.example"],
    ["with what policies call it", "cluster.local"],
  ] as const)
    attack(
      name,
      { wants: "roots of one's own to vouch for everybody in the mesh", gets: "409 HDL1079" },
      () => says(trustDomain, given("own.example")),
    );
  attack(
    "with roots of another trust domain",
    { wants: "somebody else's roots to vouch for it", gets: "422 HDL7124" },
    () => says("partner.example", given("evil.example")),
  );
  attack(
    "with an endpoint that another trust domain vouches for",
    { wants: "to be followed in its place", gets: "422 HDL1084" },
    () =>
      says("victim.example", {
        ...{ kind: "endpoint", profile: "https_spiffe", url: "https://evil.example" },
        endpointSpiffeId: "spiffe://evil.example/spire/server",
        bootstrap: roots.get("victim.example") ?? "",
      }),
  );
  attack(
    "with an endpoint in plaintext",
    { wants: "to answer in its place on the way", gets: "400 HDL1004" },
    () =>
      says("victim.example", { kind: "endpoint", profile: "https_web", url: "http://v.example" }),
  );
  attack(
    "by a token that only writes",
    { wants: "to let in whom an administrator has not", gets: "403 HDL1014" },
    async () => {
      const { token } = await own.createToken({ name: "writes", scopes: ["read", "write"] });
      return says("evil.example", given("evil.example"), as(token));
    },
  );
  attack(
    "that nobody has, followed by many",
    { wants: "to keep the database busy without a token", gets: "429" },
    async () => {
      const answers = await Promise.all(
        Array.from({ length: 120 }, async () =>
          plane.app.request(`/v1/bundles/${crypto.randomUUID()}`),
        ),
      );
      const statuses = new Set(answers.map(({ status }) => status));
      return statuses.has(429) && !statuses.has(200) ? "429" : [...statuses].join();
    },
  );
});

const ADDRESS = { vault: "127.235.0.1", lodge: "127.235.0.2" } as const;
const PORT = 9080;
const PARTNER = "partner.example";
const OWN = "cluster.local";

describe.skipIf(!envoyBinary)("whom the mesh federates with, at a proxy,", async () => {
  const [authority, partner] = [await createAuthority(), await createAuthority("partner")];
  /** As the agent would have it. */
  const federated = (bootstrap: Bootstrap): Bootstrap => {
    const validationContext = peerValidation({
      ...{ own: authority.certificate, trustDomains: [OWN] },
      federated: [{ trustDomain: PARTNER, roots: partner.certificate }],
    });
    const { staticResources } = bootstrap;
    const secrets = (staticResources?.secrets ?? []).map((secret) =>
      secret.name === TRUST_BUNDLE_SECRET
        ? { name: TRUST_BUNDLE_SECRET, validationContext }
        : secret,
    );
    return { ...bootstrap, staticResources: { ...staticResources, secrets } };
  };
  const strict = (app: string) =>
    peerAuthentication(app, {
      ...{ selector: { matchLabels: { app } }, mtls: { mode: "STRICT" as const } },
    });
  const rule = (app: string, source: object) =>
    authorizationPolicy(app, {
      ...{ selector: { matchLabels: { app } }, rules: [{ from: [{ source }] }] },
    });
  startedMesh({
    authority: Promise.resolve(authority),
    settings: { federatedTrustDomains: [PARTNER] },
    workloads: {
      vault: { address: ADDRESS.vault, ports: [PORT], patch: federated },
      lodge: { address: ADDRESS.lodge, ports: [PORT], patch: federated },
    },
    objects: [
      ...service("vault", [{ name: "http", port: PORT }], [ADDRESS.vault]),
      ...service("lodge", [{ name: "http", port: PORT }], [ADDRESS.lodge]),
      ...[strict("vault"), strict("lodge")],
      rule("vault", { principals: [`${OWN}/ns/default/sa/web`, `${PARTNER}/ns/shop/sa/web`] }),
      rule("lodge", { namespaces: ["default", "shop"] }),
    ],
  });
  const asks = async (at: keyof typeof ADDRESS, { chain: cert, key }: Leaf): Promise<string> => {
    const { text } = await greeting(ADDRESS[at], PORT, {
      say: `GET / HTTP/1.1\r\nhost: ${at}\r\nconnection: close\r\n\r\n`,
      ...{ secure: true, cert, key, ALPNProtocols: ["istio-http/1.1", "istio"] },
    }).catch(() => ({ text: "" }));
    return /HTTP\/1\.[01] (\d+)/.exec(text)?.[1] ?? "refused";
  };
  const id = (trustDomain: string, namespace = "shop") =>
    `spiffe://${trustDomain}/ns/${namespace}/sa/web`;
  /** What is meant to be let in is: else a refusal would say nothing. */
  const whoIsMeant = async () =>
    `${await asks("vault", await partner.issue(id(PARTNER)))} ${await asks("lodge", await authority.issue(id(OWN, "default")))}`;
  const at = async (where: keyof typeof ADDRESS, leaf: Promise<Leaf>) => {
    const meant = await whoIsMeant();
    return meant === "200 200" ? asks(where, await leaf) : `who is meant: ${meant}`;
  };

  attack(
    "with a name of the mesh's own that its root has signed",
    { wants: "to be a workload of the mesh", gets: "refused" },
    () => at("vault", partner.issue(id(OWN, "default"))),
  );
  attack(
    "with its name, signed by the mesh's root",
    { wants: "to be the partner", gets: "refused" },
    () => at("vault", authority.issue(id(PARTNER))),
  );
  attack(
    "with a name of a trust domain that nobody knows",
    { wants: "its root to vouch for anybody", gets: "refused" },
    () => at("vault", partner.issue(id("elsewhere.example"))),
  );
  attack(
    "with a name that begins alike",
    { wants: "a comparison of prefixes", gets: "refused" },
    () => at("vault", partner.issue(id(`${PARTNER}.evil`))),
  );
  attack("in capitals", { wants: "a comparison without case", gets: "refused" }, () =>
    at("vault", partner.issue(id(PARTNER.toUpperCase()))),
  );
  attack(
    "as somebody whom no policy names",
    { wants: "what another account may", gets: "403" },
    () => at("vault", partner.issue(id(PARTNER, "other"))),
  );
  attack(
    "from a namespace of its own that is called like one of the mesh",
    { wants: "what the mesh's namespace may", gets: "403" },
    () => at("lodge", partner.issue(id(PARTNER, "default"))),
  );
  attack(
    "with the mesh's names within its path",
    { wants: "what the mesh's namespace may", gets: "403" },
    () => at("lodge", partner.issue(`spiffe://${PARTNER}/spiffe://${OWN}/ns/default/sa/web`)),
  );
  attack("after its certificate has expired", { wants: "to go on", gets: "refused" }, () =>
    at("vault", partner.issue(id(PARTNER), "ecdsa", { notAfter: new Date(Date.now() - 60_000) })),
  );
});
