/** A cluster's worth of Services, with a slice of endpoints and pods for each, and proxies' pods, written to a real API server. */
import type { KubernetesClient, KubernetesObject, Place } from "@heddle/agent/kubernetes";
import { TOKEN_AUDIENCE } from "@heddle/injection";
import { inTurn } from "../../harness/in-turn.ts";

export const SERVICES = 500;
export const ENDPOINTS = 5;
const PORT = 8080;
const NAMESPACE = "default";

const place = (apiVersion: string, plural: string): Place => ({
  ...{ apiVersion, plural, namespace: NAMESPACE },
});
const PODS = place("v1", "pods");
const ACCOUNTS = place("v1", "serviceaccounts");
const SLICES = place("discovery.k8s.io/v1", "endpointslices");

export interface ProxyPod {
  readonly name: string;
  /** On the loopback, so that what scrapes it may. */
  readonly address: string;
  readonly account: string;
  readonly token: string;
}

/** Makes Services with a pod for each endpoint, as a kubelet would have them. */
export async function makeServices(client: KubernetesClient): Promise<void> {
  await client.create(ACCOUNTS, account("default"));
  const services = Array.from({ length: SERVICES }, (_, index) => index);
  await inTurn(services, async (service) => {
    await client.create(place("v1", "services"), {
      ...{ apiVersion: "v1", kind: "Service", metadata: { name: `svc-${service}` } },
      spec: {
        selector: { app: `svc-${service}` },
        ports: [{ name: "http", port: PORT, targetPort: PORT, protocol: "TCP" }],
      },
    });
    for (let endpoint = 0; endpoint < ENDPOINTS; endpoint++)
      await makePod(client, podName(service, endpoint), addressOf(service, endpoint), {
        labels: { app: `svc-${service}`, version: "v1", "pod-template-hash": "6d4cf56db6" },
      });
    await client.create(SLICES, sliceOf(service));
  });
}

/** Makes pods with an account each, and a token that proves it, as a kubelet would mount it. */
export async function makeProxies(client: KubernetesClient, count: number): Promise<ProxyPod[]> {
  const proxies: ProxyPod[] = [];
  await inTurn(
    Array.from({ length: count }, (_, index) => index),
    async (index) => {
      const [name, account_] = [`proxy-${index}`, `account-${index}`];
      const address = `127.77.${index >> 7}.${(index & 127) + 10}`;
      await client.create(ACCOUNTS, account(account_));
      const pod = await makePod(client, name, address, { labels: { app: name }, of: account_ });
      const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account_}/token`;
      const bound = { kind: "Pod", apiVersion: "v1", name, uid: pod.metadata.uid };
      const answer = await client.post(path, {
        ...{ apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest" },
        spec: { audiences: [TOKEN_AUDIENCE], expirationSeconds: 3600, boundObjectRef: bound },
      });
      const { token } = (answer as { status: { token: string } }).status;
      proxies.push({ name, address, account: account_, token });
    },
  );
  return proxies;
}

/** Change number `generation`, counted from 1: the slice's first endpoint moves to an address that says so. */
export async function moveEndpoint(client: KubernetesClient, generation: number): Promise<void> {
  const service = generation % SERVICES;
  const { endpoints } = sliceOf(service, markOf(generation));
  await client.patch(SLICES, `svc-${service}-x`, { merge: { endpoints } });
}

/** 10.200.0.0/16 is of no other endpoint. */
function markOf(generation: number): string {
  return `10.200.${generation >> 8}.${generation & 255}`;
}

function sliceOf(service: number, first = addressOf(service, 0)): KubernetesObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `svc-${service}-x`,
      labels: { "kubernetes.io/service-name": `svc-${service}` },
    },
    addressType: "IPv4",
    ports: [{ name: "http", port: PORT, protocol: "TCP" }],
    endpoints: Array.from({ length: ENDPOINTS }, (_, endpoint) => ({
      addresses: [endpoint === 0 ? first : addressOf(service, endpoint)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: "node-1",
      zone: "zone-a",
      targetRef: { kind: "Pod", namespace: NAMESPACE, name: podName(service, endpoint) },
    })),
  };
}

async function makePod(
  client: KubernetesClient,
  name: string,
  ip: string,
  { labels, of = "default" }: { readonly labels: Record<string, string>; readonly of?: string },
): Promise<KubernetesObject> {
  const pod = await client.create(PODS, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels, annotations: { "prometheus.io/scrape": "true" } },
    spec: {
      serviceAccountName: of,
      containers: [
        {
          name: "app",
          image: "example/app:v1",
          ports: [{ name: "http", containerPort: PORT }],
          env: [{ name: "LOG_LEVEL", value: "info" }],
          resources: { requests: { cpu: "100m", memory: "128Mi" } },
          readinessProbe: { httpGet: { path: "/ready", port: PORT } },
        },
      ],
    },
  });
  const ready = { type: "Ready", status: "True" };
  const status = { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions: [ready] };
  await client.patch(PODS, name, { merge: { status } }, { subresource: "status" });
  return pod;
}

const podName = (service: number, endpoint: number) => `svc-${service}-6d4cf56db6-${endpoint}`;
const addressOf = (service: number, endpoint: number) =>
  `10.${1 + endpoint}.${service >> 8}.${service & 255}`;
const account = (name: string) => ({
  ...{ apiVersion: "v1", kind: "ServiceAccount", metadata: { name } },
});
