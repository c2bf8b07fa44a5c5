/** Protocols in which the server speaks first: nothing looks at what a client has not said. */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Greeter, startGreeter } from "../../harness/bytes.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { connectInto } from "../../harness/intercepted.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { peerAuthentication, service } from "../../harness/objects.ts";

const BOUND = "127.211.0.2";
const CAPTURED = "127.211.0.3";
const PORTS = [
  { name: "tcp-first", port: 3306 },
  { name: "tcp-second", port: 3307 },
  { name: "http-third", port: 8080 },
];
/** Envoy's own patience with a connection that it looks at is five seconds. */
const SOON_MS = 1_000;

describe.skipIf(!envoyBinary)(
  "a server that speaks first, where PeerAuthentication says DISABLE",
  () => {
    const greeters: Greeter[] = [];
    startedMesh({
      workloads: {
        bound: { address: BOUND, ports: [8080] },
        captured: { address: CAPTURED, ports: [8080], interception: "REDIRECT" },
      },
      objects: [
        peerAuthentication("mesh", { mtls: { mode: "STRICT" } }, "istio-system"),
        ...Object.entries({ bound: BOUND, captured: CAPTURED }).flatMap(([name, address]) => [
          ...service(name, PORTS, [address]),
          peerAuthentication(name, {
            selector: { matchLabels: { app: name } },
            portLevelMtls: { 3306: { mode: "DISABLE" }, 3307: { mode: "DISABLE" } },
          }),
        ]),
      ],
    });
    beforeAll(async () => {
      for (const address of ["127.211.1.2", "127.211.1.3"])
        for (const port of [3306, 3307])
          greeters.push(await startGreeter(`hello of ${port}`, address, port));
    });
    afterAll(async () => {
      await Promise.all(greeters.map((each) => each.stop()));
    });

    test.each([3306, 3307])("is heard at once at a listener of its own: %i", async (port) => {
      expect(await greeting(connect(port, BOUND))).toBe(`hello of ${port}`);
    });

    test.each([3306, 3307])(
      "is heard at once where connections are intercepted: %i",
      async (port) => {
        expect(await greeting(await connectInto(CAPTURED, port))).toBe(`hello of ${port}`);
      },
    );
  },
);

/** What the server says before its client does. */
function greeting(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`nothing but "${said}" within ${SOON_MS} ms`));
    }, SOON_MS);
    socket.on("data", (chunk: Buffer) => (said += chunk.toString()));
    socket.once("error", reject);
    socket.once("end", () => {
      clearTimeout(timer);
      resolve(said);
    });
  });
}
