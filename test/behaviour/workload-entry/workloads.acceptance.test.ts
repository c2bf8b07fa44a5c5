/** Workloads that are no pods: who picks them, where they listen, who they are, and what their group says for them. */
import { describe, expect, vi } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import {
  destinationRule,
  object,
  peerAuthentication,
  service,
  serviceEntry,
  workloadEntry,
  workloadGroup,
} from "../../harness/objects.ts";
import { sharesOf } from "../../harness/shares.ts";
import { proves } from "../proves.ts";

const [POD, VM, OTHER, SECURE] = ["127.106.0.2", "127.106.0.3", "127.106.0.4", "127.106.0.5"];
const GROUP = { annotations: { "istio.io/autoRegistrationGroup": "legacy" } };
const ports = [{ number: 8000, name: "http", protocol: "HTTP", targetPort: 9080 }];
const picking = (name: string, labels: Readonly<Record<string, string>>) =>
  serviceEntry(name, {
    hosts: [`${name}.test`],
    ports,
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    workloadSelector: { labels },
  });

// Ten thousand requests take their time where other tests run beside them.
vi.setConfig({ testTimeout: 120_000 });

describe.skipIf(!envoyBinary)("workloads that are no pods", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.106.0.1", locality: { region: "r1", zone: "z1" } },
      pod: { address: POD, ports: [9080], sidecar: false, labels: { app: "mixed" } },
      vm: { address: VM, ports: [9080, 9081], sidecar: false, pod: false },
      other: { address: OTHER, ports: [9080, 9081], sidecar: false, pod: false },
      secure: { address: SECURE, ports: [9080], pod: false },
    },
    objects: [
      picking("mixed", { app: "mixed" }),
      workloadEntry("mixed", { address: VM, labels: { app: "mixed" } }),
      picking("ports", { app: "ports" }),
      workloadEntry("ports", { address: VM, labels: { app: "ports" }, ports: { http: 9081 } }),
      picking("weights", { app: "weights" }),
      workloadEntry("weights-1", { address: VM, labels: { app: "weights" }, weight: 3 }),
      workloadEntry("weights-2", { address: OTHER, labels: { app: "weights" } }),
      // The default looks at requests under way besides.
      destinationRule("weights", {
        host: "weights.test",
        trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" } },
      }),
      picking("places", { app: "places" }),
      workloadEntry("places-1", { address: VM, labels: { app: "places" }, locality: "r1/z1" }),
      workloadEntry("places-2", { address: OTHER, labels: { app: "places" }, locality: "r2/z1" }),
      destinationRule("places", {
        host: "places.test",
        trafficPolicy: {
          loadBalancer: {
            localityLbSetting: { distribute: [{ from: "r1/*", to: { "r2/*": 100 } }] },
          },
        },
      }),
      peerAuthentication("secure", {
        selector: { matchLabels: { app: "secure" } },
        mtls: { mode: "STRICT" },
      }),
      picking("secure", { app: "secure" }),
      workloadEntry("secure", {
        address: SECURE,
        labels: { app: "secure" },
        serviceAccount: "secure",
      }),
      picking("plain", { app: "plain" }),
      workloadEntry("plain", { address: SECURE, labels: { app: "plain" } }),
      // A Service that picks machines beside its pods, of which there are none.
      ...service("legacy", [{ name: "http", port: 8000, targetPort: 9080 }], [], {
        clusterIP: "10.106.0.1",
      }).map((each) =>
        each.kind === "Service"
          ? object("v1", "Service", "legacy", {
              ...(each.spec as object),
              selector: { app: "legacy" },
            })
          : each,
      ),
      workloadGroup("legacy", {
        // Its account, `default` here, would say that there are proxies of the mesh in front of its machines.
        metadata: {
          labels: { app: "legacy", tier: "old", "security.istio.io/tlsMode": "disabled" },
        },
        template: {
          labels: { version: "v7" },
          ports: { http: 9081 },
          weight: 3,
          locality: "r2/z1",
        },
      }),
      workloadEntry("legacy-1", { address: VM, labels: { version: "v8" } }, GROUP),
      workloadEntry("legacy-2", { address: OTHER, weight: 1 }, GROUP),
      destinationRule("legacy", {
        host: "legacy",
        trafficPolicy: {
          loadBalancer: {
            simple: "ROUND_ROBIN",
            localityLbSetting: { distribute: [{ from: "r1/*", to: { "r2/*": 100 } }] },
          },
        },
      }),
      picking("tier", { tier: "old" }),
      picking("version", { version: "v7" }),
      workloadGroup("safe", { template: { serviceAccount: "secure" } }),
      workloadEntry(
        "safe",
        { address: SECURE, labels: { app: "safe" } },
        { annotations: { "istio.io/autoRegistrationGroup": "safe" } },
      ),
      picking("safe", { app: "safe" }),
    ],
  });

  const answers = async (authority: string, count = 20) => {
    const found: string[] = [];
    for (let i = 0; i < count; i++) {
      const answer = await mesh.get("client", authority);
      const name = answer.headers["x-application"];
      found.push(name === undefined ? String(answer.status) : `${name}:${answer.echo().port}`);
    }
    return found;
  };
  const each = async (authority: string, count?: number) =>
    [...new Set(await answers(authority, count))].toSorted();

  proves(
    { ServiceEntry: ["workloadSelector.labels"], WorkloadEntry: ["address", "labels"] },
    "an entry's selector picks pods and machines by their labels",
    async () => expect(await each("mixed.test:8000")).toEqual(["pod:9080", "vm:9080"]),
  );

  proves("WorkloadEntry", ["ports"], "a machine is reached on its own port of the name", async () =>
    expect(await each("ports.test:8000", 3)).toEqual(["vm:9081"]),
  );

  proves("WorkloadEntry", ["weight"], "machines share requests by their weights", async () => {
    const shares = await sharesOf(mesh, "client", "weights.test:8000");
    expect(Math.abs(shares.of("vm") - 0.75)).toBeLessThan(0.02);
    expect(Math.abs(shares.of("other") - 0.25)).toBeLessThan(0.02);
  });

  proves("WorkloadEntry", ["locality"], "requests are spread by the machines' places", async () =>
    expect(await each("places.test:8000")).toEqual(["other:9080"]),
  );

  proves(
    "WorkloadEntry",
    ["serviceAccount"],
    "a machine with an account is reached by mutual TLS under that identity",
    async () => {
      expect(await each("secure.test:8000", 3)).toEqual(["secure:9080"]);
      expect(await each("plain.test:8000", 1)).toEqual(["503"]);
    },
  );

  proves(
    "WorkloadGroup",
    ["metadata.labels", "template.ports", "template.locality", "template.weight"],
    "machines of a group have its labels, ports, place and weight, where they say nothing else",
    async () => {
      expect(await each("legacy:8000")).toEqual(["other:9081", "vm:9081"]);
      const shares = await sharesOf(mesh, "client", "legacy:8000");
      expect(Math.abs(shares.of("vm") - 0.75)).toBeLessThan(0.02);
      expect(Math.abs(shares.of("other") - 0.25)).toBeLessThan(0.02);
      expect(await each("tier.test:8000")).toEqual(["other:9081", "vm:9081"]);
    },
  );

  proves(
    "WorkloadGroup",
    ["template.labels"],
    "a machine's own labels come before its group's",
    async () => expect(await each("version.test:8000", 5)).toEqual(["other:9081"]),
  );

  proves(
    "WorkloadGroup",
    ["template.serviceAccount"],
    "machines of a group run under its account",
    async () => expect(await each("safe.test:8000", 3)).toEqual(["secure:9080"]),
  );
});
