/** Certificates of another namespace, from an agent to a real gateway: shown while a ReferenceGrant allows it, and only then. */
import { X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { connect } from "node:tls";
import { bootstrap } from "@heddle/translate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthority } from "../../../test/harness/certificates.ts";
import { envoyBinary, type RunningEnvoy, startEnvoy } from "../../../test/harness/envoy-process.ts";
import { type RunningAgent, startAgent } from "../agent.ts";
import { parseAgentOptions } from "../options.ts";
import { freePorts } from "../testing/free-ports.ts";
import { until } from "../testing/envoy-pod.ts";
import { quiet } from "../testing/quiet-log.ts";

const EDGE = "127.98.0.1";
const PORT = 8443;
const ISTIO_PORT = 8444;
const API = "gateway.networking.k8s.io";

const https = (name: string, secret: string) => ({
  name,
  port: PORT,
  protocol: "HTTPS",
  hostname: `${name}.test`,
  tls: { certificateRefs: [{ name: secret, namespace: "vault" }] },
});
const GATEWAY = {
  apiVersion: `${API}/v1`,
  kind: "Gateway",
  metadata: { name: "edge", namespace: "default" },
  spec: {
    gatewayClassName: "heddle",
    listeners: [https("open", "open"), https("shut", "shut")],
  },
};
// Istio has no grants: a name of another namespace is never given.
const ISTIO = {
  apiVersion: "networking.istio.io/v1",
  kind: "Gateway",
  metadata: { name: "istio", namespace: "default" },
  spec: {
    selector: { app: "edge" },
    servers: [
      {
        port: { number: ISTIO_PORT, name: "https", protocol: "HTTPS" },
        hosts: ["istio.test"],
        tls: { mode: "SIMPLE", credentialName: "kubernetes://vault/shut" },
      },
    ],
  },
};
const GRANT = {
  apiVersion: `${API}/v1`,
  kind: "ReferenceGrant",
  metadata: { name: "edge", namespace: "vault" },
  spec: {
    from: [{ group: API, kind: "Gateway", namespace: "default" }],
    to: [{ group: "", kind: "Secret", name: "open" }],
  },
};

describe.skipIf(!envoyBinary)("certificates of another namespace", () => {
  let folder: string;
  let agent: RunningAgent;
  let envoy: RunningEnvoy;

  const write = (name: string, items: readonly object[]) =>
    writeFile(
      path.join(folder, "config", `${name}.json`),
      JSON.stringify({ apiVersion: "v1", kind: "List", items }),
    );
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "heddle-granted-"));
    await mkdir(path.join(folder, "config"));
    const authority = await createAuthority();
    const secrets = ["open", "shut"].map(async (name) => {
      const { chain, key } = await authority.issue(name);
      return {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name, namespace: "vault" },
        data: { "tls.crt": btoa(chain), "tls.key": btoa(key) },
      };
    });
    await write("secrets", await Promise.all(secrets));
    await write("gateway", [GATEWAY]);
    const [xds = 0, metrics = 0] = await freePorts(2);
    const flags = {
      ...{ standalone: true, roles: "control" },
      ...{ config: path.join(folder, "config"), state: path.join(folder, "state") },
      ...{ xds: `127.0.0.1:${xds}`, metrics: `127.0.0.1:${metrics}` },
    };
    agent = await startAgent(parseAgentOptions(flags), quiet);
    const labels = { app: "edge", "gateway.networking.k8s.io/gateway-name": "edge" };
    envoy = await startEnvoy(
      bootstrap({
        node: {
          id: `router~${EDGE}~edge.default~default.svc.cluster.local`,
          cluster: "edge.default",
          metadata: {
            ...{ NAMESPACE: "default", LABELS: labels, SERVICE_ACCOUNT: "edge" },
            ...{ INSTANCE_IPS: EDGE, INTERCEPTION_MODE: "NONE" },
          },
        },
        xds: { address: "127.0.0.1", port: xds },
        otlp: { address: "127.0.0.1", port: 4 },
        admin: { address: EDGE, port: 15000 },
      }),
    );
  }, 30_000);
  afterAll(async () => {
    await envoy?.stop();
    await agent?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** The name in the certificate that is shown, or "refused". */
  const shown = (servername: string, port = PORT) =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: EDGE, port, servername, rejectUnauthorized: false }, () => {
        const { raw } = socket.getPeerCertificate();
        resolve(new X509Certificate(raw).subjectAltName?.replace("DNS:", "") ?? "");
        socket.destroy();
      });
      socket.on("error", () => resolve("refused"));
      socket.on("close", () => resolve("refused"));
    });

  it("are shown while a ReferenceGrant allows it, and only then", async () => {
    expect(await shown("open.test")).toBe("refused");
    await write("istio", [ISTIO]);
    await write("grant", [GRANT]);
    await until(async () => (await shown("open.test")) === "open", 10_000);
    expect(await shown("shut.test")).toBe("refused");
    expect(await shown("istio.test", ISTIO_PORT)).toBe("refused");
    await rm(path.join(folder, "config", "grant.json"));
    await until(async () => (await shown("open.test")) === "refused", 10_000);
  }, 30_000);
});
