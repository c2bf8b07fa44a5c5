/** A cluster of one machine: Deployments become pods, each with loopback addresses of its own, without Kubernetes. */

/** The parts of a Deployment that make a pod here. */
export interface DeploymentDocument {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly replicas?: number;
    readonly template: {
      readonly metadata: { readonly labels: Record<string, string> };
      readonly spec: {
        readonly serviceAccountName?: string;
        readonly containers: readonly {
          readonly name: string;
          readonly command?: readonly string[];
          readonly env?: readonly { readonly name: string; readonly value?: string }[];
          readonly ports?: readonly { readonly containerPort: number; readonly name?: string }[];
        }[];
      };
    };
  };
}

export interface ServiceDocument {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly selector?: Record<string, string>;
    readonly ports: readonly {
      readonly name?: string;
      readonly port: number;
      readonly targetPort?: number | string;
    }[];
  };
}

export interface LocalPod {
  readonly name: string;
  readonly namespace: string;
  readonly workload: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** What the mesh knows the pod by: its Envoy listens here. */
  readonly address: string;
  /** Where the application itself listens. */
  readonly appAddress: string;
  readonly ports: readonly number[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Hands out loopback addresses: pods get 127.`base`.0.n, their applications 127.`base + 1`.0.n. */
export interface AddressPool {
  readonly base: number;
  next: number;
}

/** The pods of one Deployment. Names end in the ordinal, so that a restarted demo has the same ones. */
export function podsOf(deployment: DeploymentDocument, pool: AddressPool): LocalPod[] {
  const { metadata, spec } = deployment;
  const [container] = spec.template.spec.containers;
  if (!container) return [];
  return Array.from({ length: spec.replicas ?? 1 }, (_, ordinal) => {
    const n = pool.next++;
    const name = `${metadata.name}-${ordinal}`;
    const env: Record<string, string> = { POD_NAME: name };
    for (const { name: key, value } of container.env ?? [])
      if (value !== undefined) env[key] = value;
    return {
      name,
      namespace: metadata.namespace ?? "default",
      workload: metadata.name,
      labels: spec.template.metadata.labels,
      serviceAccount: spec.template.spec.serviceAccountName ?? "default",
      address: `127.${pool.base}.0.${n}`,
      appAddress: `127.${pool.base + 1}.0.${n}`,
      ports: (container.ports ?? []).map((port) => port.containerPort),
      command: container.command ?? [],
      env,
    };
  });
}

/** The Pod as Kubernetes would show it, with the label that says it takes mutual TLS. */
export function podDocument(pod: LocalPod): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: pod.name,
      namespace: pod.namespace,
      labels: { ...pod.labels, "security.istio.io/tlsMode": "istio" },
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "Deployment", name: pod.workload, uid: pod.workload },
      ],
    },
    spec: {
      serviceAccountName: pod.serviceAccount,
      containers: [
        { name: pod.workload, ports: pod.ports.map((containerPort) => ({ containerPort })) },
      ],
    },
    status: {
      phase: "Running",
      podIP: pod.address,
      podIPs: [{ ip: pod.address }],
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
}

/** The EndpointSlice that Kubernetes would keep for a Service over these pods. */
export function sliceDocument(service: ServiceDocument, pods: readonly LocalPod[]): object {
  const namespace = service.metadata.namespace ?? "default";
  const selector = Object.entries(service.spec.selector ?? {});
  const chosen = pods.filter(
    (pod) =>
      pod.namespace === namespace &&
      selector.length > 0 &&
      selector.every(([key, value]) => pod.labels[key] === value),
  );
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${service.metadata.name}-local`,
      namespace,
      labels: { "kubernetes.io/service-name": service.metadata.name },
    },
    addressType: "IPv4",
    ports: service.spec.ports.map((port) => ({
      name: port.name ?? "",
      port: typeof port.targetPort === "number" ? port.targetPort : port.port,
      protocol: "TCP",
    })),
    endpoints: chosen.map((pod) => ({
      addresses: [pod.address],
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: "Pod", name: pod.name, namespace: pod.namespace },
    })),
  };
}
