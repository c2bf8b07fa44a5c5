/** TLS that a client's proxy originates: to servers with certificates of their own, and to those of the mesh. */
import type { ClientTLSSettings, DestinationRule, MeshObject } from "@heddle/model";
import { clientSecret, serverCaSecret, SYSTEM_ROOTS_SECRET } from "@heddle/translate";
import { mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect } from "vitest";
import {
  type Application,
  closed,
  listening,
  startApplication,
} from "../../harness/application.ts";
import {
  certificateSecret,
  createAuthority,
  type Leaf,
  type TestAuthority,
} from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, pod, service } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const SERVER = "127.64.0.2";
const PLAIN = "127.64.0.3";
const MESH_SERVER = "127.64.0.4";
const PUBLIC_SERVER = "127.64.0.5";
const SELECTING = { workloadSelector: { matchLabels: { app: "client" } } };
const TLS_PORT = 9443;
const PLAIN_PORT = 9080;
const NAME = "api.example.com";
const FIELD = "trafficPolicy.tls";

const folder = mkdtempSync(join(tmpdir(), "heddle-tls-"));
const file = (name: string) => join(folder, name);
const ROOTS = { caCertificates: file("roots.pem"), sni: NAME };
const CLIENT_CERTIFICATE = {
  clientCertificate: file("client.pem"),
  privateKey: file("client.key"),
};

const originated = (
  name: string,
  tls: ClientTLSSettings,
  address = SERVER,
  rule: Partial<DestinationRule> = {},
): readonly MeshObject[] => [
  ...service(name, [{ name: "http", port: 80, targetPort: TLS_PORT }], [address], {
    clusterIP: "10.0.0.1",
  }),
  destinationRule(name, { host: name, trafficPolicy: { tls }, ...rule }),
];

/** What the server saw of the connection. */
interface Seen {
  readonly sni: string | false;
  readonly alpn: string | false;
  /** Subject alternative names of the client's certificate. */
  readonly client: string | undefined;
}

function startTlsServer(address: string, { chain, key }: Leaf, ca: string): Promise<Server> {
  const server = createServer(
    {
      cert: chain,
      key,
      ca,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ["istio", "http/1.1"],
    },
    ({ socket }, response) => {
      const tls = socket as TLSSocket & { servername?: string | false };
      const seen: Seen = {
        sni: tls.servername ?? false,
        alpn: tls.alpnProtocol ?? false,
        client: tls.getPeerCertificate()?.subjectaltname,
      };
      response.end(JSON.stringify(seen));
    },
  );
  return listening(server as never, address, TLS_PORT).then(() => server);
}

describe.skipIf(!envoyBinary)("TLS to endpoints", () => {
  let authority: TestAuthority;
  /** Whom the system trusts, and nobody else. */
  let stranger: TestAuthority;
  let client: Leaf;
  let plain: Application;
  const servers: Server[] = [];
  beforeAll(async () => {
    authority = await createAuthority("outside");
    stranger = await createAuthority("public");
    const leaf = await authority.issue(NAME);
    client = await authority.issue("client.example.com");
    await Promise.all([
      writeFile(file("roots.pem"), authority.certificate),
      writeFile(file("client.pem"), client.chain),
      writeFile(file("client.key"), client.key),
      writeFile(file("revoked.pem"), await authority.revocationList([leaf])),
      writeFile(file("not-revoked.pem"), await authority.revocationList([client])),
    ]);
    servers.push(
      await startTlsServer(SERVER, leaf, authority.certificate),
      await startTlsServer(PUBLIC_SERVER, await stranger.issue(NAME), stranger.certificate),
    );
    plain = await startApplication("plain", PLAIN, PLAIN_PORT);
  });
  const mesh = startedMesh({
    workloads: {
      client: {
        address: "127.64.0.1",
        secrets: async () => [
          certificateSecret(clientSecret("both"), client),
          ...["roots", "both"].map((name) => ({
            name: serverCaSecret(name),
            validationContext: { trustedCa: { inlineString: authority.certificate } },
          })),
          {
            name: SYSTEM_ROOTS_SECRET,
            validationContext: { trustedCa: { inlineString: stranger.certificate } },
          },
        ],
      },
    },
    objects: [
      pod({
        name: "server",
        address: MESH_SERVER,
        labels: {},
        serviceAccount: "server",
        mesh: false,
      }),
      pod({ name: "plain", address: PLAIN, labels: {} }),
      ...originated("simple", { mode: "SIMPLE", ...ROOTS }),
      ...originated("rootless", { mode: "SIMPLE", sni: NAME }),
      ...originated("public", { mode: "SIMPLE", sni: NAME }, PUBLIC_SERVER),
      ...originated("named", { mode: "SIMPLE", ...ROOTS, subjectAltNames: ["x.com", NAME] }),
      ...originated("misnamed", { mode: "SIMPLE", ...ROOTS, subjectAltNames: ["x.com"] }),
      ...originated("other-sni", { mode: "SIMPLE", ...ROOTS, sni: "other.example.com" }),
      ...originated("careless", { mode: "SIMPLE", insecureSkipVerify: true }),
      ...originated("careful", { mode: "SIMPLE", insecureSkipVerify: false, sni: NAME }),
      ...originated("mutual", { mode: "MUTUAL", ...ROOTS, ...CLIENT_CERTIFICATE }),
      ...originated(
        "by-name",
        { mode: "SIMPLE", credentialName: "roots", sni: NAME },
        SERVER,
        SELECTING,
      ),
      ...originated("not-selected", { mode: "SIMPLE", credentialName: "roots", sni: NAME }),
      ...originated(
        "mutual-by-name",
        { mode: "MUTUAL", credentialName: "both", sni: NAME },
        SERVER,
        SELECTING,
      ),
      ...originated("revoked", { mode: "SIMPLE", ...ROOTS, caCrl: file("revoked.pem") }),
      ...originated("not-revoked", { mode: "SIMPLE", ...ROOTS, caCrl: file("not-revoked.pem") }),
      ...originated("of-mesh", { mode: "ISTIO_MUTUAL" }, MESH_SERVER),
      ...originated(
        "of-mesh-named",
        { mode: "ISTIO_MUTUAL", sni: "x.mesh", subjectAltNames: ["spiffe://cluster.local/other"] },
        MESH_SERVER,
      ),
      ...service("disabled", [{ name: "http", port: 80, targetPort: PLAIN_PORT }], [PLAIN]),
      destinationRule("disabled", {
        host: "disabled",
        trafficPolicy: { tls: { mode: "DISABLE" } },
      }),
      ...service("automatic", [{ name: "http", port: 80, targetPort: PLAIN_PORT }], [PLAIN]),
      ...service(
        "ports",
        [
          { name: "http", port: 80, targetPort: TLS_PORT },
          { name: "http-too", port: 81, targetPort: TLS_PORT },
        ],
        [SERVER],
      ),
      destinationRule("ports", {
        host: "ports",
        trafficPolicy: {
          tls: { mode: "DISABLE" },
          portLevelSettings: [{ port: { number: 81 }, tls: { mode: "SIMPLE", ...ROOTS } }],
        },
      }),
    ],
  });
  beforeAll(async () => {
    const leaf = await mesh.authority().issue("spiffe://cluster.local/ns/default/sa/server");
    servers.push(await startTlsServer(MESH_SERVER, leaf, mesh.authority().certificate));
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => closed(server as never)));
    await plain.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const statusOf = async (name: string, port = 80) =>
    (await mesh.get("client", `${name}:${port}`)).status;
  const seenBy = async (name: string, port = 80): Promise<Seen> => {
    const { status, body } = await mesh.get("client", `${name}:${port}`);
    if (status !== 200) throw new Error(`${name}: ${status} ${body}`);
    return JSON.parse(body) as Seen;
  };
  const expectRefused = async (name: string) => {
    const { status, body } = await mesh.get("client", `${name}:80`);
    expect({ name, status }).toEqual({ name, status: 503 });
    expect(body).toMatch(/remote connection failure/);
  };

  proves(
    "DestinationRule",
    [`${FIELD}.mode=SIMPLE`, `${FIELD}.caCertificates`, `${FIELD}.sni`],
    "connects by TLS, asks for a server by name, and trusts the roots that are given, or the system's, and no others",
    async () => {
      expect(await seenBy("simple")).toEqual({ sni: NAME, alpn: "http/1.1" });
      expect((await seenBy("other-sni")).sni).toBe("other.example.com");
      await expectRefused("rootless");
      expect(await statusOf("public")).toBe(200);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.subjectAltNames`],
    "takes a server only by one of the names that are given",
    async () => {
      expect(await statusOf("named")).toBe(200);
      await expectRefused("misnamed");
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.insecureSkipVerify`],
    "trusts anybody where that is asked for, and asks for the host that the request names",
    async () => {
      expect((await seenBy("careless")).sni).toBe("careless");
      await expectRefused("careful");
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.mode=MUTUAL`, `${FIELD}.clientCertificate`, `${FIELD}.privateKey`],
    "shows its own certificate",
    async () => {
      expect((await seenBy("mutual")).client).toBe("DNS:client.example.com");
      expect((await seenBy("simple")).client).toBeUndefined();
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.credentialName`],
    "has roots and certificate from a Secret, where the rule selects the sidecar",
    async () => {
      expect((await seenBy("by-name")).client).toBeUndefined();
      expect((await seenBy("mutual-by-name")).client).toBe("DNS:client.example.com");
      expect(await statusOf("not-selected")).toBe(503);
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.caCrl`],
    "refuses a certificate that its issuer has revoked",
    async () => {
      expect(await statusOf("not-revoked")).toBe(200);
      await expectRefused("revoked");
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.mode=ISTIO_MUTUAL`],
    "shows the workload's own identity and checks that of the service, whatever the endpoint says",
    async () => {
      expect(await seenBy("of-mesh")).toEqual({
        sni: "outbound_.80_._.of-mesh.default.svc.cluster.local",
        alpn: "istio",
        client: "URI:spiffe://cluster.local/ns/default/sa/client",
      });
      await expectRefused("of-mesh-named");
    },
  );

  proves(
    "DestinationRule",
    [`${FIELD}.mode=DISABLE`],
    "speaks in the clear also to an endpoint of the mesh",
    async () => {
      expect(await statusOf("disabled")).toBe(200);
      expect(await statusOf("automatic")).toBe(503);
    },
  );

  proves(
    "DestinationRule",
    ["trafficPolicy.portLevelSettings[].tls"],
    "connects by TLS on the port that it is set for",
    async () => {
      expect((await seenBy("ports", 81)).sni).toBe(NAME);
      expect(await statusOf("ports", 80)).not.toBe(200);
    },
  );
});
