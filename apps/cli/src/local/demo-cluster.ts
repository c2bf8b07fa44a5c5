/** The demo's cluster: Bookinfo's Deployments as pods on loopback, an ingress gateway, and the files that describe both. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import {
  type AddressPool,
  type DeploymentDocument,
  type LocalPod,
  podDocument,
  podsOf,
  type ServiceDocument,
  sliceDocument,
} from "./pods.ts";

export const BOOKINFO = path.resolve(import.meta.dirname, "../../../../examples/bookinfo");

/** The ingress gateway's address; every other pod has its own in 127.`block`.0.0/24. */
const GATEWAY_ADDRESS = "127.0.0.1";

export interface DemoCluster {
  readonly pods: readonly LocalPod[];
  readonly gateway: LocalPod;
}

/** Writes the cluster's objects to `directory` and answers with its pods. Same input, same addresses and names. */
export async function makeDemoCluster(
  directory: string,
  { gatewayPort, block }: { gatewayPort: number; block: number },
): Promise<DemoCluster> {
  const text = await readFile(path.join(BOOKINFO, "bookinfo.yaml"), "utf8");
  const documents = parseAllDocuments(text).map(
    (d) => d.toJS() as { kind: string; metadata: object },
  );
  const pool: AddressPool = { base: block, next: 11 };
  const deployments = documents.filter(
    (d) => d.kind === "Deployment",
  ) as unknown as DeploymentDocument[];
  const services = documents.filter((d) => d.kind === "Service") as unknown as ServiceDocument[];
  const pods = deployments.flatMap((deployment) => podsOf(deployment, pool));
  const gateway = gatewayPod();
  const gatewayService = serviceOfGateway(gatewayPort);

  await mkdir(directory, { recursive: true });
  await writeManifest(directory, "namespace.yaml", [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "default", labels: { "istio-injection": "enabled" } },
    },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "istio-system" } },
  ]);
  await writeManifest(directory, "bookinfo.yaml", [
    ...services.map((service) => ({
      ...service,
      metadata: { namespace: "default", ...service.metadata },
    })),
    ...pods.map(podDocument),
    ...services.map((service) => sliceDocument(service, pods)),
  ]);
  await writeManifest(directory, "ingress-gateway.yaml", [
    gatewayService,
    podDocument(gateway),
    sliceDocument(gatewayService, [gateway]),
  ]);
  return { pods, gateway };
}

function gatewayPod(): LocalPod {
  return {
    name: "istio-ingressgateway-0",
    namespace: "istio-system",
    workload: "istio-ingressgateway",
    labels: { app: "istio-ingressgateway", istio: "ingressgateway", version: "v1" },
    serviceAccount: "istio-ingressgateway",
    address: GATEWAY_ADDRESS,
    appAddress: GATEWAY_ADDRESS,
    ports: [],
    command: [],
    env: {},
  };
}

/** Ports 80 and 8080 are the ones that everybody's Gateway resources name; both lead to the one port that is open here. */
function serviceOfGateway(port: number): ServiceDocument & { apiVersion: string; kind: string } {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "istio-ingressgateway", namespace: "istio-system" },
    spec: {
      selector: { istio: "ingressgateway" },
      ports: [
        { name: "http2", port: 80, targetPort: port },
        { name: "http", port: 8080, targetPort: port },
        { name: "https", port: 443, targetPort: port + 1 },
      ],
    },
  };
}

/** Replaces a file by one rename, so that the agent never reads half of it. */
async function writeManifest(
  directory: string,
  name: string,
  documents: readonly object[],
): Promise<void> {
  const part = path.join(directory, `.${name}.part`);
  await writeFile(
    part,
    documents.map((d) => stringify(d, { aliasDuplicateObjects: false })).join("---\n"),
  );
  await rename(part, path.join(directory, name));
}
