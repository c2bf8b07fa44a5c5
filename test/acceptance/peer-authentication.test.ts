/** Who is let in by each mode, said at each level: real Envoys, and clients that prove too little. */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { beforeAll, describe, expect, test } from "vitest";
import type { MutualTLS } from "@heddle/model";
import { createAuthority, type Leaf } from "../harness/certificates.ts";
import { startedMesh, type TestMesh } from "../harness/mesh.ts";
import { peerAuthentication, service } from "../harness/objects.ts";

const PORT = 9080;
const MODES = ["UNSET", "DISABLE", "PERMISSIVE", "STRICT"] as const;
type Mode = (typeof MODES)[number];
const CLIENTS = [
  "plaintext",
  "mutual TLS",
  "another mesh's root",
  "an expired certificate",
  "another trust domain",
] as const;
type Client = (typeof CLIENTS)[number];

/** Nobody but a client with a certificate of the mesh is ever let in by TLS; what DISABLE passes on is no HTTP then. */
const LETS_IN: Readonly<Record<Exclude<Mode, "UNSET">, readonly Client[]>> = {
  DISABLE: ["plaintext"],
  PERMISSIVE: ["plaintext", "mutual TLS"],
  STRICT: ["mutual TLS"],
};

const authority = createAuthority();
const certificates: Partial<Record<Client, Leaf>> = {};
beforeAll(async () => {
  const [own, stranger] = [await authority, await createAuthority("another root")];
  const name = "spiffe://cluster.local/ns/default/sa/client";
  certificates["mutual TLS"] = await own.issue(name);
  certificates["another mesh's root"] = await stranger.issue(name);
  certificates["an expired certificate"] = await own.issue(name, "ecdsa", {
    notAfter: new Date(Date.now() - 60_000),
  });
  certificates["another trust domain"] = await own.issue("spiffe://elsewhere/ns/default/sa/client");
});

/** The status of a request of this client, or `refused` where no answer comes. */
async function answer(client: Client, host: string, port: number): Promise<string> {
  const leaf = certificates[client];
  const socket = await new Promise<Socket>((resolve) => {
    const open: Socket = leaf
      ? connectSecurely(
          {
            ...{ host, port, cert: leaf.chain, key: leaf.key, rejectUnauthorized: false },
            ALPNProtocols: ["istio-http/1.1", "istio"],
          },
          () => resolve(open),
        )
      : connectPlain(port, host, () => resolve(open));
    open.once("error", () => resolve(open));
  });
  return new Promise((resolve) => {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.on("close", () => resolve(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? "refused"));
    if (socket.destroyed) resolve("refused");
    socket.setTimeout(5_000, () => socket.destroy());
    socket.write("GET / HTTP/1.1\r\nhost: server\r\nconnection: close\r\n\r\n");
  });
}

interface Row {
  readonly mode: Mode;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** What is in force. */
  readonly means: Exclude<Mode, "UNSET">;
}

/** Each cell of the matrix is asserted: what the client gets, and what the application sees of it. */
function cells<Name extends string>(mesh: TestMesh<Name>, rows: readonly Row[]): void {
  const all = rows.flatMap((row) => CLIENTS.map((client) => ({ ...row, client })));
  test.each(all)("$mode: $client", async ({ name, address, port, means, client }) => {
    const [application] = mesh
      .applications(name as Name)
      .filter((_, index) => index === portIndex(port));
    const seen = application!.requests.length;
    const isIn = LETS_IN[means].includes(client);
    // A proxy that passes on what it cannot read lets the application say that it is no request.
    const refused = means === "DISABLE" && client !== "plaintext" ? /^(refused|400)$/ : /^refused$/;
    expect(await answer(client, address, port)).toMatch(isIn ? /^200$/ : refused);
    const requests = application!.requests.slice(seen);
    expect(requests).toHaveLength(isIn ? 1 : 0);
    const proof = requests[0]?.headers["x-forwarded-client-cert"];
    if (isIn && client === "mutual TLS")
      expect(proof).toContain("URI=spiffe://cluster.local/ns/default/sa/client");
    else expect(proof).toBeUndefined();
  });
}
const portIndex = (port: number) => port - PORT;
const told = (mode: Mode): { readonly mtls: MutualTLS } => ({ mtls: { mode } });
const ports = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `http-${index}`, port: PORT + index }));

describe.each(MODES)("said for the mesh, %s", (mode) => {
  const address = `127.58.0.${2 + MODES.indexOf(mode)}`;
  const mesh = startedMesh({
    workloads: { server: { address, ports: [PORT] } },
    objects: [
      ...service("server", ports(1), [address]),
      peerAuthentication("mesh", told(mode), "istio-system"),
    ],
    authority,
  });
  cells(mesh, [
    { mode, name: "server", address, port: PORT, means: mode === "UNSET" ? "PERMISSIVE" : mode },
  ]);
});

/** Beneath a level that says something else, which UNSET leaves it to. */
function beneath(block: number, above: Exclude<Mode, "UNSET">, level: "namespace" | "workload") {
  const rows = MODES.map((mode, index): Row & { namespace: string } => ({
    ...{ mode, name: mode.toLowerCase(), address: `127.58.${block}.${2 + index}`, port: PORT },
    namespace: level === "namespace" ? mode.toLowerCase() : "shop",
    means: mode === "UNSET" ? above : mode,
  }));
  const mesh = startedMesh({
    workloads: Object.fromEntries(
      rows.map(({ name, address, namespace }) => [name, { address, namespace, ports: [PORT] }]),
    ),
    objects: [
      peerAuthentication("mesh", told(level === "namespace" ? above : "STRICT"), "istio-system"),
      ...(level === "workload" ? [peerAuthentication("namespace", told(above), "shop")] : []),
      ...rows.flatMap(({ mode, name, namespace, address }) => [
        ...service(name, ports(1), [address], { namespace }),
        peerAuthentication(
          name,
          level === "workload"
            ? { ...told(mode), selector: { matchLabels: { app: name } } }
            : told(mode),
          namespace,
        ),
      ]),
    ],
    authority,
  });
  cells(mesh, rows);
}

describe("said for a namespace, in a mesh that is STRICT", () => beneath(2, "STRICT", "namespace"));
describe("said for a workload, in a namespace that says DISABLE", () =>
  beneath(4, "DISABLE", "workload"));

describe("said for a port, of a workload that is PERMISSIVE", () => {
  const address = "127.58.6.2";
  const mesh = startedMesh({
    workloads: { server: { address, ports: MODES.map((_, index) => PORT + index) } },
    objects: [
      ...service("server", ports(MODES.length), [address]),
      peerAuthentication("mesh", told("STRICT"), "istio-system"),
      peerAuthentication("server", {
        ...{ ...told("PERMISSIVE"), selector: { matchLabels: { app: "server" } } },
        portLevelMtls: Object.fromEntries(
          MODES.map((mode, index) => [String(PORT + index), { mode }]),
        ),
      }),
    ],
    authority,
  });
  cells(
    mesh,
    MODES.map((mode, index) => ({
      ...{ mode, name: "server", address, port: PORT + index },
      means: mode === "UNSET" ? "PERMISSIVE" : mode,
    })),
  );
});
