/** Services that want to be served near their clients: internalTrafficPolicy, trafficDistribution, and Istio's annotation. */
import type { EndpointSlice, MeshObject, Service } from "@heddle/model";
import { describe, expect, test } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, pod, service } from "../../harness/objects.ts";

const PORT = 9080;
/** The client is on node n1, in zone z1 of region r1. */
const SERVERS = {
  node: { address: "127.144.0.2", node: "n1", region: "r1", zone: "z1" },
  zone: { address: "127.144.0.3", node: "n2", region: "r1", zone: "z1" },
  region: { address: "127.144.0.4", node: "n3", region: "r1", zone: "z2" },
  far: { address: "127.144.0.5", node: "n4", region: "r2", zone: "z9" },
} as const;
type Server = keyof typeof SERVERS;
const ALL = Object.keys(SERVERS) as Server[];
const CLIENT = "127.144.0.1";
/** On a node that no server is on. */
const LONELY = "127.144.0.6";
/** No pod of the cluster. */
const STRANGER = "127.144.0.7";

const onNode = (
  name: string,
  address: string,
  at: { node: string; region: string; zone: string },
) => {
  const made = pod({
    name,
    address,
    labels: {
      app: name,
      "topology.kubernetes.io/region": at.region,
      "topology.kubernetes.io/zone": at.zone,
    },
    mesh: !(name in SERVERS),
  });
  return { ...made, spec: { ...made.spec, nodeName: at.node } };
};

interface Wish extends Pick<Service, "internalTrafficPolicy" | "trafficDistribution"> {
  readonly annotation?: string;
}

function wishing(
  name: string,
  { annotation, ...wish }: Wish,
  servers: readonly Server[] = ALL,
): readonly MeshObject[] {
  const addresses = servers.map((each) => SERVERS[each].address);
  return service(name, [{ name: "http", port: PORT }], addresses, { clusterIP: "10.0.0.1" }).map(
    (each) =>
      each.kind === "Service"
        ? {
            ...each,
            metadata: {
              ...each.metadata,
              ...(annotation
                ? { annotations: { "networking.istio.io/traffic-distribution": annotation } }
                : {}),
            },
            spec: { ...(each.spec as Service), ...wish },
          }
        : each,
  );
}

/** As a slice alone tells of servers that are no pods of this cluster. */
function slicesWithNodes(objects: readonly MeshObject[], nodeName: string): readonly MeshObject[] {
  return objects.map((each) => {
    if (each.kind !== "EndpointSlice") return each;
    const spec = each.spec as EndpointSlice;
    return {
      ...each,
      spec: { ...spec, endpoints: (spec.endpoints ?? []).map((one) => ({ ...one, nodeName })) },
    };
  });
}

const LOCAL = { internalTrafficPolicy: "Local" } as const;

describe.skipIf(!envoyBinary)("services near their clients", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: CLIENT, pod: false, labels: { app: "client" } },
      lonely: { address: LONELY, pod: false, labels: { app: "lonely" } },
      stranger: { address: STRANGER, ports: [PORT], sidecar: false, pod: false },
      ...Object.fromEntries(
        ALL.map((name) => [
          name,
          { address: SERVERS[name].address, ports: [PORT], sidecar: false, pod: false },
        ]),
      ),
    } as Record<"client" | "lonely", { address: string }>,
    objects: [
      onNode("client", CLIENT, { node: "n1", region: "r1", zone: "z1" }),
      onNode("lonely", LONELY, { node: "n8", region: "r8", zone: "z8" }),
      ...ALL.map((name) => onNode(name, SERVERS[name].address, SERVERS[name])),
      ...wishing("anywhere", {}),
      ...wishing("cluster", { internalTrafficPolicy: "Cluster" }),
      ...wishing("local", LOCAL),
      ...wishing("elsewhere", LOCAL, ["zone", "far"]),
      ...wishing("close", { trafficDistribution: "PreferClose" }),
      ...wishing("same-zone", { trafficDistribution: "PreferSameZone" }),
      ...wishing("same-region", { trafficDistribution: "PreferSameZone" }, ["region", "far"]),
      ...wishing("only-far", { trafficDistribution: "PreferSameZone" }, ["far"]),
      ...wishing("same-node", { trafficDistribution: "PreferSameNode" }),
      ...wishing("next-node", { trafficDistribution: "PreferSameNode" }, ["zone", "region"]),
      ...wishing("annotated", { annotation: "prefersamenode" }),
      ...wishing("field", { trafficDistribution: "PreferClose", annotation: "PreferSameNode" }),
      ...wishing("unknown", { trafficDistribution: "example.com/Whatever" }),
      ...wishing("ruled", { trafficDistribution: "PreferSameNode" }),
      destinationRule("ruled", {
        host: "ruled",
        trafficPolicy: { loadBalancer: { localityLbSetting: { enabled: false } } },
      }),
      ...wishing("both", { ...LOCAL, trafficDistribution: "PreferSameZone" }),
      ...slicesWithNodes(
        service("strangers", [{ name: "http", port: PORT }], [STRANGER], {
          clusterIP: "10.0.0.1",
        }).map((each) =>
          each.kind === "Service"
            ? { ...each, spec: { ...(each.spec as Service), ...LOCAL } }
            : each,
        ),
        "n1",
      ),
    ],
  });

  const whoAnswers = async (from: "client" | "lonely", host: string) => {
    const names = new Set<string>();
    for (let i = 0; i < 24; i++) {
      const answer = await mesh.get(from, `${host}:${PORT}`);
      names.add(answer.headers["x-application"] ?? String(answer.status));
    }
    return [...names].toSorted();
  };
  const EVERYBODY = ALL.toSorted();

  test("internalTrafficPolicy Local reaches servers of the client's node, or nobody", async () => {
    expect(await whoAnswers("client", "anywhere")).toEqual(EVERYBODY);
    expect(await whoAnswers("client", "cluster")).toEqual(EVERYBODY);
    expect(await whoAnswers("client", "local")).toEqual(["node"]);
    expect(await whoAnswers("client", "elsewhere")).toEqual(["503"]);
    expect(await whoAnswers("client", "both")).toEqual(["node"]);
    expect(await whoAnswers("lonely", "local")).toEqual(["503"]);
    expect(await whoAnswers("lonely", "anywhere")).toEqual(EVERYBODY);
    expect(await whoAnswers("client", "strangers")).toEqual(["stranger"]);
    expect(await whoAnswers("lonely", "strangers")).toEqual(["503"]);
  });

  test("trafficDistribution prefers the zone, then the region, then anything", async () => {
    for (const host of ["close", "same-zone", "field"]) {
      expect(await whoAnswers("client", host), host).toEqual(["node", "zone"]);
    }
    expect(await whoAnswers("client", "same-region")).toEqual(["region"]);
    expect(await whoAnswers("client", "only-far")).toEqual(["far"]);
    expect(await whoAnswers("lonely", "close")).toEqual(EVERYBODY);
    expect(await whoAnswers("client", "unknown")).toEqual(EVERYBODY);
  });

  test("PreferSameNode prefers the node, then the zone; so does Istio's annotation", async () => {
    expect(await whoAnswers("client", "same-node")).toEqual(["node"]);
    expect(await whoAnswers("client", "annotated")).toEqual(["node"]);
    expect(await whoAnswers("client", "next-node")).toEqual(["zone"]);
  });

  test("a DestinationRule that speaks of places goes first", async () => {
    expect(await whoAnswers("client", "ruled")).toEqual(EVERYBODY);
  });
});
