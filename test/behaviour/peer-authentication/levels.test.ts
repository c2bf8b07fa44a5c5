/** What one level of PeerAuthentication leaves to the next: mesh, namespace, workload, port. */
import type { PeerAuthentication } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { peerAuthentication, service } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const OTHER_PORT = 9081;
const PORTS = [
  { name: "http", port: PORT },
  { name: "http-other", port: OTHER_PORT },
];

/** The mesh is STRICT, the namespace `lenient` PERMISSIVE. */
const WORKLOADS = {
  inherits: { address: "127.164.0.2", namespace: "strict", rule: { mtls: { mode: "UNSET" } } },
  "inherits-lenient": {
    address: "127.164.0.3",
    namespace: "lenient",
    rule: { mtls: { mode: "UNSET" } },
  },
  "port-unset": {
    address: "127.164.0.4",
    namespace: "strict",
    rule: {
      mtls: { mode: "PERMISSIVE" },
      portLevelMtls: { [OTHER_PORT]: { mode: "UNSET" } },
    },
  },
  "port-strict": {
    address: "127.164.0.5",
    namespace: "lenient",
    rule: { portLevelMtls: { [OTHER_PORT]: { mode: "STRICT" } } },
  },
  "port-disable": {
    address: "127.164.0.6",
    namespace: "strict",
    rule: { portLevelMtls: { [OTHER_PORT]: { mode: "DISABLE" } } },
  },
} as const satisfies Record<
  string,
  { address: string; namespace: string; rule: PeerAuthentication }
>;
type Name = keyof typeof WORKLOADS;

describe.skipIf(!envoyBinary)("levels of PeerAuthentication", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.164.0.1" },
      ...(Object.fromEntries(
        Object.entries(WORKLOADS).map(([name, { address, namespace }]) => [
          name,
          { address, namespace, ports: [PORT, OTHER_PORT] },
        ]),
      ) as Record<Name, { address: string; namespace: string; ports: number[] }>),
    },
    objects: [
      peerAuthentication("mesh", { mtls: { mode: "STRICT" } }, "istio-system"),
      peerAuthentication("namespace", { mtls: { mode: "PERMISSIVE" } }, "lenient"),
      ...Object.entries(WORKLOADS).flatMap(([name, { address, namespace, rule }]) => [
        ...service(name, PORTS, [address], { namespace }),
        peerAuthentication(name, { ...rule, selector: { matchLabels: { app: name } } }, namespace),
      ]),
    ],
  });

  const meets = async (name: Name, port: number) =>
    (await mesh.get("client", `${name}.${WORKLOADS[name].namespace}:${port}`)).status;
  /** Whether a request in the clear, past the mesh, is answered. */
  const clear = (name: Name, port: number) =>
    ask(WORKLOADS[name].address, port, name, "/").then(
      ({ status }) => status === 200,
      () => false,
    );

  proves(
    "PeerAuthentication",
    ["mtls.mode=UNSET"],
    "UNSET leaves the mode to the namespace, and then to the mesh",
    async () => {
      expect(await clear("inherits", PORT)).toBe(false);
      expect(await clear("inherits-lenient", PORT)).toBe(true);
      expect(await meets("inherits", PORT)).toBe(200);
      expect(await meets("inherits-lenient", PORT)).toBe(200);
    },
  );

  proves(
    "PeerAuthentication",
    ["portLevelMtls{}.mode=UNSET"],
    "UNSET of a port leaves the mode to the workload",
    async () => {
      expect(await clear("port-unset", OTHER_PORT)).toBe(true);
      expect(await meets("port-unset", OTHER_PORT)).toBe(200);
    },
  );

  proves(
    "PeerAuthentication",
    ["portLevelMtls{}.mode=STRICT"],
    "STRICT of a port refuses the clear there, and only there",
    async () => {
      expect(await clear("port-strict", OTHER_PORT)).toBe(false);
      expect(await clear("port-strict", PORT)).toBe(true);
      expect(await meets("port-strict", OTHER_PORT)).toBe(200);
    },
  );

  proves(
    "PeerAuthentication",
    ["portLevelMtls{}.mode=DISABLE"],
    "DISABLE of a port takes the clear there, from clients of the mesh too",
    async () => {
      expect(await clear("port-disable", OTHER_PORT)).toBe(true);
      expect(await clear("port-disable", PORT)).toBe(false);
      const secured = (await mesh.get("client", `port-disable.strict:${PORT}`)).echo();
      const plain = (await mesh.get("client", `port-disable.strict:${OTHER_PORT}`)).echo();
      expect(secured.headers["x-forwarded-client-cert"]).toContain("URI=spiffe://");
      expect(plain.headers["x-forwarded-client-cert"]).toBeUndefined();
    },
  );
});
