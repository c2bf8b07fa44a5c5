/** What is in the API server: Services with a slice of endpoints each, a VirtualService, and the changes that are measured. */
import type { KubernetesClient, KubernetesObject, Place } from "@heddle/agent/kubernetes";
import { inTurn } from "../../harness/in-turn.ts";

export const NAMESPACE = "default";
export const PORT = 80;
const TARGET_PORT = 8080;
export const ENDPOINTS = 5;

/** Services that changes are about: a route of the one, an endpoint of the other. */
const ROUTED = 0;
const MOVED = 1;
export const CHANGED_SERVICES = 2;

const place = (apiVersion: string, plural: string): Place => ({
  ...{ apiVersion, plural, namespace: NAMESPACE },
});
const SERVICES = place("v1", "services");
const SLICES = place("discovery.k8s.io/v1", "endpointslices");
const ROUTES = place("networking.istio.io/v1", "virtualservices");

export interface Change {
  /** A text in the resources that hold it, and in no others. */
  readonly marker: string;
  /** Resolves when the API server has it. */
  make(): Promise<unknown>;
}

export const hostOf = (service: number) => `svc-${service}.${NAMESPACE}.svc.cluster.local`;

/** Makes Services number `from` to `to - 1`; no pods are behind their endpoints, and no controller runs. */
export async function makeServices(
  client: KubernetesClient,
  from: number,
  to: number,
): Promise<void> {
  const services = Array.from({ length: to - from }, (_, nth) => from + nth);
  await inTurn(services, async (service) => {
    await client.create(SERVICES, serviceOf(service));
    await client.create(SLICES, sliceOf(service));
  });
}

/** All that `makeServices` and the first `changeRoute` make, for a folder of files. */
export function meshObjects(services: number): KubernetesObject[] {
  const each = Array.from({ length: services }, (_, service) => [
    // Which the API server chooses.
    withAddress(serviceOf(service), `10.96.${service >> 8}.${service & 255}`),
    sliceOf(service),
  ]);
  return [...each.flat(), routeOf("marker")];
}

/** The VirtualService says something else from now on; made where there is none. */
export function changeRoute(client: KubernetesClient): Change {
  const marker = `marker-${process.hrtime.bigint()}`;
  return { marker, make: () => client.apply(ROUTES, routeOf(marker), { manager: "bench" }) };
}

let moves = 0;

/** The slice's first endpoint is at another address from now on. */
export function changeEndpoint(client: KubernetesClient): Change {
  moves++;
  // Three digits each: no address is the beginning of another.
  const marker = `10.77.${100 + Math.floor(moves / 100)}.${100 + (moves % 100)}`;
  const { endpoints } = sliceOf(MOVED, marker);
  const make = () => client.patch(SLICES, nameOf(MOVED), { merge: { endpoints } });
  return { marker, make };
}

const nameOf = (service: number) => `svc-${service}`;

const metadataOf = (service: number, labels = {}) => ({
  ...{ name: nameOf(service), namespace: NAMESPACE, labels },
});

function serviceOf(service: number): KubernetesObject {
  return {
    ...{ apiVersion: "v1", kind: "Service", metadata: metadataOf(service) },
    spec: {
      selector: { app: nameOf(service) },
      ports: [{ name: "http", port: PORT, targetPort: TARGET_PORT, protocol: "TCP" }],
    },
  };
}

function withAddress(service: KubernetesObject, clusterIP: string): KubernetesObject {
  return { ...service, spec: { ...(service["spec"] as object), clusterIP } };
}

function sliceOf(service: number, first = addressOf(service, 0)) {
  return {
    ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
    metadata: metadataOf(service, { "kubernetes.io/service-name": nameOf(service) }),
    ports: [{ name: "http", port: TARGET_PORT, protocol: "TCP" }],
    endpoints: Array.from({ length: ENDPOINTS }, (_, endpoint) => ({
      addresses: [endpoint === 0 ? first : addressOf(service, endpoint)],
      conditions: { ready: true, serving: true, terminating: false },
    })),
  };
}

/** 10.100.0.0 and up: neither a Service's nor one that an endpoint moves to. */
function addressOf(service: number, endpoint: number): string {
  return `10.${100 + endpoint}.${service >> 8}.${service & 255}`;
}

function routeOf(marker: string): KubernetesObject {
  const host = hostOf(ROUTED);
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "bench", namespace: NAMESPACE },
    spec: {
      hosts: [host],
      http: [
        {
          name: marker,
          headers: { request: { add: { "x-marker": marker } } },
          route: [{ destination: { host } }],
        },
      ],
    },
  };
}
