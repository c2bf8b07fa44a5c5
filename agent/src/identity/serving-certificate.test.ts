/** The certificate of a server that is in use: renewed under an open stream, by who verifies names and constraints. */
import { connect, type TLSSocket } from "node:tls";
import {
  Client,
  credentials,
  Server,
  type ServerDuplexStream,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import {
  createRoot,
  exportPrivateKey,
  generateKeyPair,
  issueIntermediate,
  issueLeaf,
  openAuthority,
  spiffeId,
} from "@heddle/pki";
import { afterEach, describe, expect, it } from "vitest";
import { streaming } from "../grpc-bytes.ts";
import type { AgentLog } from "../log.ts";
import type { Issuer } from "./issuer.ts";
import { createServingCertificate, type ServingCertificate } from "./serving-certificate.ts";

const silent: AgentLog = { info() {}, warn() {}, error() {} };
const NAME = "heddle-agent.heddle-system.svc";
const IDENTITY = spiffeId({
  trustDomain: "td.example",
  namespace: "heddle-system",
  serviceAccount: "heddle-agent",
});
/** The shortest that there is. */
const LIFETIME = 5_000;
const ECHO = { Echo: streaming("/test.Echo/Echo") } satisfies ServiceDefinition;

/** Signs with an intermediate that permits the agent's name alone. */
async function issuerFor(dnsNames: readonly string[]): Promise<Pick<Issuer, "issue" | "signedBy">> {
  const now = Date.now();
  const root = await createRoot("td.example", { now });
  const keys = await generateKeyPair();
  const made = await issueIntermediate(root.authority, keys.publicKey, {
    ...{ now, name: "agent", dnsNames },
  });
  const authority = await openAuthority(
    "td.example",
    made.chain,
    await exportPrivateKey(keys.privateKey),
  );
  return {
    signedBy: "agent",
    async issue(requests, lifetime) {
      const chains = requests.map(async ({ keys: { publicKey }, ...names }) => {
        const { chain } = await issueLeaf(authority, publicKey, {
          ...{ now: Date.now(), lifetime, ...names },
        });
        return chain;
      });
      return { chains: await Promise.all(chains), trustBundle: root.pem };
    },
  };
}

let closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
  closing = [];
});

async function serve(issuer: Pick<Issuer, "issue" | "signedBy">) {
  const certificate = createServingCertificate(
    issuer,
    { spiffeId: IDENTITY, dnsNames: [NAME] },
    LIFETIME,
    silent,
  );
  const server = new Server();
  server.addService(ECHO, {
    Echo: (call: ServerDuplexStream<Buffer, Buffer>) =>
      call.on("data", (bytes) => call.write(bytes)),
  });
  closing.push(
    () => certificate.close(),
    () => server.forceShutdown(),
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", certificate.credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { certificate, port };
}

/** The serial number of what a new connection is shown; what is wrong with it where something is. */
function shown(port: number, { roots }: ServingCertificate, servername = NAME): Promise<string> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connect(
      { host: "127.0.0.1", port, servername, ca: roots() ?? "", ALPNProtocols: ["h2"] },
      () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      },
    );
    socket.on("error", (error) => resolve(error.message));
  });
}

describe("the certificate of the agent's server", () => {
  it("is renewed under an open stream: new connections have the next one, and the stream goes on", async () => {
    const { certificate, port } = await serve(await issuerFor([NAME]));
    await certificate.ready;
    const roots = Buffer.from(certificate.roots() ?? "");
    const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(roots), {
      "grpc.ssl_target_name_override": NAME,
      "grpc.default_authority": NAME,
    });
    closing.push(() => client.close());
    const { path, requestSerialize, responseDeserialize } = ECHO.Echo;
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    stream.on("error", () => {});
    const said = async (text: string) => {
      const answered = new Promise<string>((resolve, reject) => {
        stream.once("data", (bytes: Buffer) => resolve(bytes.toString()));
        stream.once("error", reject);
      });
      stream.write(Buffer.from(text));
      return answered;
    };
    expect(await said("before")).toBe("before");
    const first = await shown(port, certificate);
    const firstEnds = certificate.expiresAt() ?? 0;
    await expect.poll(() => shown(port, certificate), { timeout: 30_000 }).not.toBe(first);
    expect(await said("after")).toBe("after");
    // The first one is over, and still nothing happens to who was there.
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, firstEnds - Date.now()) + 100));
    expect(await said("long after")).toBe("long after");
    expect(await shown(port, certificate)).toMatch(/^[0-9A-F]{32}$/);
  }, 60_000);

  it("is good for the names that it was made for, as the intermediate permits them", async () => {
    const { certificate, port } = await serve(await issuerFor([NAME]));
    await certificate.ready;
    expect(await shown(port, certificate)).toMatch(/^[0-9A-F]{32}$/);
    expect(await shown(port, certificate, "another.svc")).toMatch(/does not match/);
    const refused = await serve(await issuerFor(["another.svc"]));
    await refused.certificate.ready;
    expect(await shown(refused.port, refused.certificate)).toMatch(/permitted subtree violation/);
  });

  it("comes when there is an issuer again; until then nobody is let in", async () => {
    const real = await issuerFor([NAME]);
    let away = true;
    const { certificate, port } = await serve({
      signedBy: "agent",
      issue: async (...asked) => {
        if (away) throw new Error("the plane is away");
        return real.issue(...asked);
      },
    });
    expect(certificate.roots()).toBeUndefined();
    expect(await shown(port, certificate)).not.toMatch(/^[0-9A-F]{32}$/);
    away = false;
    await certificate.ready;
    expect(await shown(port, certificate)).toMatch(/^[0-9A-F]{32}$/);
  });
});
