import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseNode } from "@heddle/translate";
import type { MeshObject } from "@heddle/model";
import type { AgentLog } from "../log.ts";
import { openStateDirectory, type StateDirectory } from "../state/state-directory.ts";
import { createWorkloadCertificates, type WorkloadCertificates } from "./certificates.ts";
import { type Issuer, localIssuer } from "./issuer.ts";
import { createSecretSource } from "./secret-source.ts";

const silent: AgentLog = { info() {}, warn() {}, error() {} };
const WEB = "spiffe://td.example/ns/shop/sa/web";
const proxy = (type: "sidecar" | "router", namespace = "shop") =>
  parseNode({
    id: `${type}~10.0.0.1~web-0.${namespace}~x`,
    metadata: { NAMESPACE: namespace, SERVICE_ACCOUNT: "web" },
  });

let folder: string;
let directory: StateDirectory;
let certificates: WorkloadCertificates | undefined;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-identity-"));
  directory = await openStateDirectory(folder);
});
afterEach(async () => {
  certificates?.close();
  await rm(folder, { recursive: true, force: true });
});
async function until<T>(look: () => T | undefined, within = 10_000): Promise<T> {
  const end = Date.now() + within;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error("did not come about");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe("workload certificates", () => {
  it("come from the same root after a restart, whose key only the owner can read", async () => {
    certificates = createWorkloadCertificates(
      await localIssuer(directory, "td.example"),
      60_000,
      silent,
    );
    const own = certificates;
    const first = await until(() => own.get(WEB));
    expect(
      new X509Certificate(first.chain).verify(
        new X509Certificate(own.trustBundle() ?? "").publicKey,
      ),
    ).toBe(true);
    const again = createWorkloadCertificates(
      await localIssuer(directory, "td.example"),
      60_000,
      silent,
    );
    await until(() => again.get(WEB));
    expect(again.trustBundle()).toBe(own.trustBundle());
    again.close();
    for (const name of await readdir(folder))
      expect((await stat(path.join(folder, name))).mode & 0o077).toBe(0);
    // No workload's key is among them.
    expect((await readdir(folder)).toSorted()).toEqual(["heddle.lock", "heddle.pid", "root.json"]);
  });

  it("are renewed at about two thirds of their life for as long as somebody asks, then forgotten", async () => {
    certificates = createWorkloadCertificates(
      await localIssuer(directory, "td.example"),
      5_000,
      silent,
    );
    const own = certificates;
    let asking = true;
    own.subscribe(() => void (asking && own.get(WEB)));
    const first = await until(() => own.get(WEB));
    const second = await until(() => own.all().find(({ chain }) => chain !== first.chain));
    const share = (second.issuedAt - first.issuedAt) / (first.notAfter - first.issuedAt);
    expect(share).toBeGreaterThan(0.5);
    expect(share).toBeLessThan(0.85);
    asking = false;
    await until(() => own.all().find(({ chain }) => chain !== second.chain));
    await until(() => (own.all().length === 0 ? true : undefined));
  }, 30_000);

  it("are tried for again while nobody can sign them", async () => {
    const signer = await localIssuer(directory, "td.example");
    let refusals = 3;
    const issuer: Issuer = {
      signedBy: "agent",
      issue: (...args) =>
        refusals-- > 0 ? Promise.reject(new Error("the plane is away")) : signer.issue(...args),
      close() {},
    };
    certificates = createWorkloadCertificates(issuer, 60_000, silent);
    const own = certificates;
    expect(own.get(WEB)).toBeUndefined();
    await until(() => own.get(WEB));
    expect(refusals).toBeLessThan(0);
  });
});

describe("the secrets of a proxy", () => {
  it("are its own identity, the bundle, and for gateways the credentials of their namespace", async () => {
    certificates = createWorkloadCertificates(
      await localIssuer(directory, "td.example"),
      60_000,
      silent,
    );
    const secret: MeshObject = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "shop-tls", namespace: "shop", labels: {}, annotations: {} },
      spec: { data: { "tls.crt": "Q1JU", "tls.key": "S0VZ", "ca.crt": "Q0E=" } },
    };
    const source = createSecretSource({
      ...{ trustDomain: "td.example", certificates, workloadOf: () => "web" },
      objectAt: (key) => (key === "core/Secret/shop/shop-tls" ? secret : undefined),
    });
    const told: string[] = [];
    source.subscribe((name) => told.push(name));
    expect(source.secret(proxy("sidecar"), "default", false)).toBeUndefined();
    const identity = await until(() => source.secret(proxy("sidecar"), "default", false));
    expect(told).toEqual(["ROOTCA", "default"]);
    expect(source.secret(proxy("sidecar"), "default", false)).toBe(identity);
    const chain = (identity as { tlsCertificate: { certificateChain: { inlineString: string } } })
      .tlsCertificate.certificateChain;
    expect(new X509Certificate(chain.inlineString).subjectAltName).toBe(
      `URI:${WEB}, DNS:web.shop.workload.td.example`,
    );
    expect(source.secret(proxy("sidecar"), "ROOTCA", false)).toMatchObject({
      validationContext: {},
    });

    const name = "kubernetes://shop/shop-tls";
    expect(source.secret(proxy("router"), name, false)).toEqual({
      name,
      tlsCertificate: {
        certificateChain: { inlineBytes: "Q1JU" },
        privateKey: { inlineBytes: "S0VZ" },
      },
    });
    expect(source.secret(proxy("router"), `${name}-cacert`, false)).toMatchObject({
      validationContext: { trustedCa: { inlineBytes: "Q0E=" } },
    });
    expect(source.secret(proxy("sidecar"), name, false)).toBeUndefined();
    const own = "kubernetes://shop-tls";
    expect(source.secret(proxy("sidecar"), own, false)).toMatchObject({
      name: own,
      tlsCertificate: {},
    });
    expect(source.secret(proxy("router", "other"), own, false)).toBeUndefined();
    expect(source.secret(proxy("sidecar"), "file-root:system", false)).toMatchObject({
      validationContext: { trustedCa: { inlineString: expect.stringContaining("BEGIN") } },
    });
    expect(source.secret(proxy("router", "other"), name, false)).toBeUndefined();
    expect(source.secret(proxy("router", "other"), name, true)).toMatchObject({ name });
    expect(source.secret(proxy("sidecar", "other"), name, true)).toBeUndefined();
    source.objectsChanged(["core/Secret/shop/shop-tls", "core/Service/shop/web"]);
    expect(told.slice(2)).toEqual([name, `${name}-cacert`, own, `${own}-cacert`]);
  });

  it("are none for a node whose names are no names", async () => {
    certificates = createWorkloadCertificates(
      await localIssuer(directory, "td.example"),
      60_000,
      silent,
    );
    const source = createSecretSource({
      ...{ trustDomain: "td.example", certificates, workloadOf: () => "web" },
      objectAt: () => undefined,
    });
    expect(
      source.secret(parseNode({ id: "x", metadata: { NAMESPACE: "../etc" } }), "default", false),
    ).toBeUndefined();
  });
});
