/** Who gets through to a workload, by what PeerAuthentication asks: real Envoys, real certificates. */
import { connect as connectPlain } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Application, startApplication } from "../../harness/application.ts";
import {
  createAuthority,
  type Leaf,
  type TestAuthority,
  workloadSecrets,
} from "../../harness/certificates.ts";
import { envoyBinary, type RunningEnvoy, startEnvoy } from "../../harness/envoy-process.ts";
import { peerAuthentication, pod, service } from "../../harness/objects.ts";
import { ask, type Asking } from "../../harness/request.ts";
import { bootstrapOf } from "../../harness/world.ts";
import { proves } from "../proves.ts";

const CLIENT = "127.73.0.1";
const PROXY_PORT = 15001;
const PORT = 9080;
const OPEN_PORT = 9081;

const MODES = { STRICT: "127.73.0.2", PERMISSIVE: "127.73.0.3", DISABLE: "127.73.0.4" } as const;
type Mode = keyof typeof MODES;
const applicationAddress = (address: string) => address.replace("127.73.0.", "127.73.1.");

const OBJECTS = [
  pod({ name: "client", address: CLIENT, labels: { app: "client" }, serviceAccount: "client" }),
  ...Object.entries(MODES).flatMap(([mode, address]) => {
    const app = mode.toLowerCase();
    return [
      // Behind DISABLE clients have to know that there is no TLS: such a pod has no sidecar to them.
      pod({ name: app, address, labels: { app }, serviceAccount: app, mesh: mode !== "DISABLE" }),
      ...service(
        app,
        [
          { name: "http", port: PORT },
          { name: "http-open", port: OPEN_PORT },
        ],
        [address],
      ),
      peerAuthentication(app, {
        selector: { matchLabels: { app } },
        mtls: { mode: mode as Mode },
        ...(mode === "STRICT" ? { portLevelMtls: { [OPEN_PORT]: { mode: "PERMISSIVE" } } } : {}),
      }),
    ];
  }),
];

describe.skipIf(!envoyBinary)("mutual TLS between workloads", () => {
  const envoys: RunningEnvoy[] = [];
  const applications: Application[] = [];
  let authority: TestAuthority;
  let client: Leaf;

  beforeAll(async () => {
    authority = await createAuthority();
    client = await authority.issue("spiffe://cluster.local/ns/default/sa/client");
    const roots = authority.certificate;
    for (const [mode, address] of Object.entries(MODES)) {
      const app = mode.toLowerCase();
      const appAddress = applicationAddress(address);
      for (const port of [PORT, OPEN_PORT])
        applications.push(await startApplication(app, appAddress, port));
      const leaf = await authority.issue(`spiffe://cluster.local/ns/default/sa/${app}`);
      const secrets = workloadSecrets(leaf, roots);
      envoys.push(
        await startEnvoy(
          bootstrapOf(OBJECTS, { pod: app, address, appAddress, labels: { app }, secrets }),
        ),
      );
    }
    const secrets = workloadSecrets(client, roots);
    const options = {
      pod: "client",
      address: CLIENT,
      labels: { app: "client" },
      httpProxyPort: PROXY_PORT,
      secrets,
    };
    envoys.push(await startEnvoy(bootstrapOf(OBJECTS, options)));
  });

  afterAll(async () => {
    await Promise.all(envoys.map((envoy) => envoy.stop()));
    await Promise.all(applications.map((application) => application.stop()));
  });

  const throughMesh = (mode: Mode, port = PORT, asking: Asking = {}) =>
    ask(CLIENT, PROXY_PORT, `${mode.toLowerCase()}:${port}`, "/", asking);
  const direct = (mode: Mode, asking: Asking, port = PORT) =>
    ask(MODES[mode], port, mode.toLowerCase(), "/", asking);
  test.each(["STRICT", "PERMISSIVE", "DISABLE"] as const)(
    "a client of the mesh reaches a workload in %s",
    async (mode) => {
      const answer = await throughMesh(mode);
      expect(answer.status).toBe(200);
      expect(answer.echo().name).toBe(mode.toLowerCase());
    },
  );

  test("tells the application who the client is, and takes off what the client claims", async () => {
    const claim = {
      headers: { "x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/default/sa/admin" },
    };
    const xfcc = (await throughMesh("STRICT", PORT, claim)).echo().headers[
      "x-forwarded-client-cert"
    ];
    expect(xfcc).toMatch(
      /^By=spiffe:\/\/cluster\.local\/ns\/default\/sa\/strict;Hash=[0-9a-f]{64};URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/client$/,
    );
    const plain = await direct("PERMISSIVE", claim);
    expect(plain.echo().headers["x-forwarded-client-cert"]).toBeUndefined();
  });

  test("takes off what a client with a certificate claims to forward", async () => {
    const { text } = await tls(
      "STRICT",
      client,
      {},
      "x-forwarded-client-cert: URI=spiffe://cluster.local/ns/default/sa/admin",
    );
    expect(text).toContain("URI=spiffe://cluster.local/ns/default/sa/client");
    expect(text).not.toContain("admin");
  });

  test("shows the application no peer header, whoever sent it", async () => {
    const claim = { headers: { "x-heddle-peer-metadata": "forged" } };
    expect(
      (await direct("PERMISSIVE", claim)).echo().headers["x-heddle-peer-metadata"],
    ).toBeUndefined();
    const { text } = await tls("STRICT", client, {}, "x-heddle-peer-metadata: forged");
    expect(text).toContain("HTTP/1.1 200");
    expect(text).not.toContain("forged");
  });

  proves(
    "PeerAuthentication",
    ["mtls.mode=STRICT", "selector.matchLabels"],
    "STRICT refuses requests in the clear",
    async () => {
      await expect(direct("STRICT", {})).rejects.toThrow(/ECONNRESET|socket hang up/);
    },
  );

  proves(
    "PeerAuthentication",
    ["portLevelMtls{}.mode=PERMISSIVE"],
    "STRICT lets the clear through on a port that is PERMISSIVE, and only there",
    async () => {
      expect((await direct("STRICT", {}, OPEN_PORT)).status).toBe(200);
      expect((await throughMesh("STRICT", OPEN_PORT)).status).toBe(200);
    },
  );

  for (const mode of ["PERMISSIVE", "DISABLE"] as const)
    proves(
      "PeerAuthentication",
      [`mtls.mode=${mode}`],
      `${mode} takes requests in the clear`,
      async () => {
        expect((await direct(mode, {})).status).toBe(200);
      },
    );

  test("takes any workload's certificate of the trust domain", async () => {
    expect((await tls("STRICT", client)).answered).toBe(true);
  });

  test("refuses a client without a certificate", async () => {
    expect((await tls("STRICT", undefined)).answered).toBe(false);
  });

  test("refuses a certificate of another authority", async () => {
    const other = await createAuthority("other root");
    const leaf = await other.issue("spiffe://cluster.local/ns/default/sa/client");
    expect((await tls("STRICT", leaf)).answered).toBe(false);
  });

  test.each([
    "spiffe://elsewhere/ns/default/sa/client",
    "spiffe://cluster.local.evil/ns/a/sa/b",
    "client.example",
  ])("refuses the identity %s, though its authority is trusted", async (name) => {
    expect((await tls("STRICT", await authority.issue(name))).answered).toBe(false);
  });

  test("offers TLS 1.2 and 1.3 only, and HTTP/2", async () => {
    expect((await tls("STRICT", client)).protocol).toBe("TLSv1.3");
    expect((await tls("STRICT", client, { maxVersion: "TLSv1.2" })).protocol).toBe("TLSv1.2");
    expect(
      (await tls("STRICT", client, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1" })).answered,
    ).toBe(false);
    expect((await tls("STRICT", client, { ALPNProtocols: ["istio", "h2"] })).alpn).toBe("h2");
  });

  test("closes a connection in the clear without a word of HTTP", async () => {
    const bytes = await new Promise<string>((resolve) => {
      const socket = connectPlain(PORT, MODES.STRICT, () =>
        socket.write("GET / HTTP/1.1\r\nhost: strict\r\n\r\n"),
      );
      let text = "";
      socket.on("data", (chunk) => (text += chunk.toString()));
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(text));
    });
    expect(bytes).toBe("");
  });

  interface Handshake {
    readonly answered: boolean;
    readonly protocol: string | null;
    readonly alpn: string | false | null;
    readonly text: string;
  }

  /** One request over TLS by hand; a server that refuses the client's certificate says so only after the handshake. */
  function tls(
    mode: Mode,
    leaf: Leaf | undefined,
    options: object = {},
    header = "x-nothing: 1",
  ): Promise<Handshake> {
    return new Promise((resolve) => {
      let protocol: string | null = null;
      let alpn: string | false | null = null;
      const socket = connectSecurely(
        {
          host: MODES[mode],
          port: PORT,
          rejectUnauthorized: false,
          ALPNProtocols: ["istio", "http/1.1"],
          ...(leaf ? { cert: leaf.chain, key: leaf.key } : {}),
          ...options,
        },
        () => {
          protocol = socket.getProtocol();
          alpn = socket.alpnProtocol;
          if (alpn === "h2") {
            socket.destroy();
            resolve({ answered: true, protocol, alpn, text: "" });
          } else
            socket.write(`GET / HTTP/1.1\r\nhost: any\r\n${header}\r\nconnection: close\r\n\r\n`);
        },
      );
      let text = "";
      socket.on("data", (chunk) => (text += chunk.toString()));
      socket.on("error", () => undefined);
      socket.on("close", () =>
        resolve({ answered: text.startsWith("HTTP/1.1 200"), protocol, alpn, text }),
      );
    });
  }
});
