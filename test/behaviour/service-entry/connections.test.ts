/** How intercepted connections are known to be for an entry: by address, subnet, server name, or port alone. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { connect as secure, createServer as createSecureServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../../harness/certificates.ts";
import { asking, startDnsServer } from "../../harness/dns-server.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { connectThrough } from "../../harness/intercepted.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { serviceEntry } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const CLIENT = "127.104.0.1";
const A = "127.104.0.2";
const B = "127.104.0.3";
const NAMES = "127.104.0.53";
const RAW = 7000;
const TLS = 7443;

const tcp = (number: number) => [{ number, name: "tcp", protocol: "TCP", targetPort: RAW }];
const tls = [{ number: 443, name: "tls", protocol: "TLS", targetPort: TLS }];

const servers: Server[] = [];
let endDns: (() => Promise<void>) | undefined;

beforeAll(async () => {
  endDns = await startDnsServer(NAMES, { "a.secure.test": [A], "b.secure.test": [B] });
  const authority = await createAuthority();
  for (const [name, address] of [
    ["a", A],
    ["b", B],
  ] as const) {
    const raw = createServer((socket) => socket.end(`raw ${name}`));
    const { chain, key } = await authority.issue(`${name}.test`);
    const encrypted = createSecureServer({ cert: chain, key }, (socket) =>
      socket.end(`tls ${name}`),
    );
    for (const [server, port] of [
      [raw, RAW],
      [encrypted, TLS],
    ] as const) {
      servers.push(server);
      server.listen(port, address);
      await once(server, "listening");
    }
  }
});
afterAll(async () => {
  for (const server of servers) server.close();
  await endDns?.();
});

describe.skipIf(!envoyBinary)("connections to a ServiceEntry", () => {
  startedMesh({
    workloads: {
      client: {
        address: CLIENT,
        interception: "REDIRECT",
        patch: asking(NAMES),
      },
      a: { address: A, ports: [9080], sidecar: false },
      b: { address: B, ports: [9080], sidecar: false },
    },
    settings: { outboundTrafficPolicy: "REGISTRY_ONLY" },
    objects: [
      serviceEntry("address", {
        hosts: ["address.test"],
        addresses: ["10.104.0.1"],
        ports: tcp(5000),
        resolution: "STATIC",
        endpoints: [{ address: A }],
      }),
      serviceEntry("subnet", {
        hosts: ["subnet.test"],
        addresses: ["10.104.7.0/24"],
        ports: tcp(5000),
        resolution: "STATIC",
        endpoints: [{ address: B }],
      }),
      serviceEntry("port", {
        hosts: ["port.test"],
        ports: tcp(5001),
        resolution: "STATIC",
        endpoints: [{ address: B }],
      }),
      ...["a", "b"].map((name) =>
        serviceEntry(`tls-${name}`, {
          hosts: [`${name}.tls.test`],
          ports: tls,
          resolution: "STATIC",
          endpoints: [{ address: name === "a" ? A : B }],
        }),
      ),
      serviceEntry("dynamic", { hosts: ["*.secure.test"], ports: tls, resolution: "DYNAMIC_DNS" }),
      serviceEntry("beside-tls", {
        hosts: ["web.test"],
        ports: [{ number: 443, name: "http", protocol: "HTTP", targetPort: 9080 }],
        resolution: "STATIC",
        endpoints: [{ address: A }],
      }),
      serviceEntry("sniffed", {
        hosts: ["sniffed.test"],
        ports: [{ number: 5002, name: "any", targetPort: 9080 }],
        resolution: "STATIC",
        endpoints: [{ address: B }],
      }),
      serviceEntry("none-http", {
        hosts: ["none.test"],
        ports: [{ number: 9080, name: "http", protocol: "HTTP" }],
        resolution: "NONE",
      }),
      serviceEntry("none-tcp", {
        hosts: ["none-tcp.test"],
        addresses: ["127.104.0.0/24"],
        ports: [
          { number: RAW, name: "tcp", protocol: "TCP" },
          { number: 5009, name: "other", protocol: "TCP", targetPort: RAW },
        ],
        resolution: "NONE",
      }),
    ],
  });

  const received = async (socket: Socket): Promise<string> => {
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await Promise.race([once(socket, "close"), once(socket, "error")]).catch(() => undefined);
    return text;
  };
  const raw = async (to: string) => received(await connectThrough(CLIENT, { to }));
  const encrypted = async (to: string, servername: string) => {
    const socket = await connectThrough(CLIENT, { to });
    return received(secure({ socket, servername, rejectUnauthorized: false }));
  };
  const http = async (to: string, host: string) => {
    const socket = await connectThrough(CLIENT, { to });
    socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    return /x-application: (\w+)|^HTTP\/1.1 (\d+)/gm
      .exec((await received(socket)).replace(/^HTTP\/1.1 200.*/, ""))
      ?.slice(1)
      .join("");
  };

  proves(
    "ServiceEntry",
    ["addresses", "ports[].protocol"],
    "connections are known by the address or the subnet that they go to",
    async () => {
      expect(await raw("10.104.0.1:5000")).toBe("raw a");
      expect(await raw("10.104.7.9:5000")).toBe("raw b");
      expect(await raw("10.104.8.9:5000")).toBe("");
    },
  );

  test("without addresses, a port of connections is the entry's wherever they go", async () => {
    expect(await raw("10.99.9.9:5001")).toBe("raw b");
  });

  proves(
    "ServiceEntry",
    ["ports[].protocol", "hosts"],
    "TLS is told by its server name, beside HTTP on the same port",
    async () => {
      expect(await encrypted("10.99.9.9:443", "a.tls.test")).toBe("tls a");
      expect(await encrypted("10.99.9.9:443", "b.tls.test")).toBe("tls b");
      expect(await encrypted("10.99.9.9:443", "c.tls.test")).toBe("");
      expect(await http("10.99.9.9:443", "web.test")).toBe("a");
    },
  );

  proves(
    "ServiceEntry",
    ["resolution=DYNAMIC_DNS"],
    "the server name that TLS asks for is resolved",
    async () => {
      expect(await encrypted("10.99.9.9:443", "a.secure.test")).toBe("tls a");
      expect(await encrypted("10.99.9.9:443", "b.secure.test")).toBe("tls b");
    },
  );

  test("a port without a protocol is routed by request where it carries HTTP", async () => {
    expect(await http("10.99.9.9:5002", "sniffed.test")).toBe("b");
    expect(await http("10.99.9.9:5002", "other.test")).not.toBe("b");
  });

  proves(
    "ServiceEntry",
    ["resolution=NONE", "ports[].targetPort"],
    "traffic goes on to where it was going, on the port that the entry says",
    async () => {
      expect(await http(`${B}:9080`, "none.test")).toBe("b");
      expect(await http(`${A}:9080`, "none.test")).toBe("a");
      expect(await http(`${A}:9080`, "unknown.test")).toBe("502");
      expect(await raw(`${A}:${RAW}`)).toBe("raw a");
      expect(await raw(`${B}:5009`)).toBe("raw b");
    },
  );
});
