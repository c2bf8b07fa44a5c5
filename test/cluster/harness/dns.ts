/** CoreDNS as a Deployment of the cluster, under the address that the kubelet tells every pod. */
import { askApi } from "./api.ts";
import { kubeconfigOf } from "./control-plane.ts";
import { COREDNS_IMAGE } from "./image-names.ts";
import type { Network } from "./network.ts";
import { comesUp } from "./wait.ts";

const NAME = "coredns";
const NAMESPACE = "kube-system";
const metadata = { name: NAME, namespace: NAMESPACE };
const LABELS = { "k8s-app": "kube-dns" };

/** Nothing is forwarded: a name that is not the cluster's has no address here. Answers age fast, so that tests need not wait. */
const COREFILE = `.:53 {
    errors
    health {
        lameduck 1s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 1
    }
    loadbalance
}
`;

export function dnsObjects({ dns }: Network): readonly object[] {
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: `system:${NAME}` },
      rules: [
        {
          apiGroups: [""],
          resources: ["services", "pods", "namespaces"],
          verbs: ["list", "watch"],
        },
        {
          apiGroups: ["discovery.k8s.io"],
          resources: ["endpointslices"],
          verbs: ["list", "watch"],
        },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: `system:${NAME}` },
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "ClusterRole",
        name: `system:${NAME}`,
      },
      subjects: [{ kind: "ServiceAccount", ...metadata }],
    },
    { apiVersion: "v1", kind: "ConfigMap", metadata, data: { Corefile: COREFILE } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "kube-dns", namespace: NAMESPACE, labels: LABELS },
      spec: {
        clusterIP: dns,
        selector: LABELS,
        ports: [
          { name: "dns", port: 53, protocol: "UDP" },
          { name: "dns-tcp", port: 53, protocol: "TCP" },
        ],
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { ...metadata, labels: LABELS },
      spec: {
        selector: { matchLabels: LABELS },
        template: {
          metadata: { labels: LABELS },
          spec: {
            serviceAccountName: NAME,
            priorityClassName: "system-cluster-critical",
            dnsPolicy: "Default",
            volumes: [{ name: "config", configMap: { name: NAME } }],
            containers: [
              {
                name: NAME,
                image: COREDNS_IMAGE,
                args: ["-conf", "/etc/coredns/Corefile"],
                volumeMounts: [{ name: "config", mountPath: "/etc/coredns", readOnly: true }],
                readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
  ];
}

export function dnsReady(state: string): Promise<void> {
  return comesUp(state, "CoreDNS", "kubelet", async () => {
    const { status, body } = await askApi(
      kubeconfigOf(state),
      `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${NAME}`,
    );
    if (status !== 200) return `${status} ${body}`;
    const { status: now } = JSON.parse(body) as { status: { availableReplicas?: number } };
    return now.availableReplicas ? undefined : "its pod is not ready";
  });
}
