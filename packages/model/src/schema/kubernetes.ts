/** Schemas of Kubernetes' own kinds: what the mesh reads is checked, all else is kept as it came. */
import { z } from "zod";
import type {
  ConfigMap,
  Deployment,
  EndpointSlice,
  Namespace,
  Pod,
  Secret,
  Service,
  ServiceAccount,
} from "../kinds/kubernetes.ts";
import { optional, text, textMap, texts } from "./fields.ts";

const port = z.int().min(1).max(65535);
const transport = z.enum(["TCP", "UDP", "SCTP"]);

export const serviceSchema: z.ZodType<Service> = z.looseObject({
  type: optional(z.enum(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"])),
  clusterIP: optional(text),
  clusterIPs: optional(texts),
  externalName: optional(text),
  externalIPs: optional(texts),
  ports: optional(
    z.array(
      z.looseObject({
        name: optional(text),
        port,
        targetPort: optional(z.union([z.int(), text])),
        nodePort: optional(z.int()),
        protocol: optional(transport),
        appProtocol: optional(text),
      }),
    ),
  ),
  selector: optional(textMap),
  publishNotReadyAddresses: optional(z.boolean()),
  internalTrafficPolicy: optional(z.enum(["Cluster", "Local"])),
  trafficDistribution: optional(text),
  status: optional(
    z.looseObject({
      loadBalancer: optional(
        z.looseObject({
          ingress: optional(
            z.array(z.looseObject({ ip: optional(text), hostname: optional(text) })),
          ),
        }),
      ),
    }),
  ),
});

export const endpointSliceSchema: z.ZodType<EndpointSlice> = z.looseObject({
  addressType: optional(z.enum(["IPv4", "IPv6", "FQDN"])),
  endpoints: optional(
    z.array(
      z.looseObject({
        addresses: texts,
        conditions: optional(
          z.looseObject({
            ready: optional(z.boolean()),
            serving: optional(z.boolean()),
            terminating: optional(z.boolean()),
          }),
        ),
        hostname: optional(text),
        nodeName: optional(text),
        zone: optional(text),
        targetRef: optional(
          z.looseObject({
            kind: optional(text),
            name: optional(text),
            namespace: optional(text),
            uid: optional(text),
          }),
        ),
      }),
    ),
  ),
  ports: optional(
    z.array(
      z.looseObject({
        name: optional(text),
        port: optional(port),
        protocol: optional(transport),
        appProtocol: optional(text),
      }),
    ),
  ),
});

const container = z.looseObject({
  name: text,
  image: optional(text),
  ports: optional(
    z.array(
      z.looseObject({
        name: optional(text),
        containerPort: port,
        protocol: optional(transport),
      }),
    ),
  ),
});

export const podSchema: z.ZodType<Pod> = z.looseObject({
  containers: optional(z.array(container)),
  initContainers: optional(z.array(container)),
  serviceAccountName: optional(text),
  nodeName: optional(text),
  hostNetwork: optional(z.boolean()),
  status: optional(
    z.looseObject({
      phase: optional(text),
      podIP: optional(text),
      podIPs: optional(z.array(z.looseObject({ ip: text }))),
      conditions: optional(z.array(z.looseObject({ type: text, status: text }))),
    }),
  ),
});

export const namespaceSchema: z.ZodType<Namespace> = z.looseObject({
  finalizers: optional(texts),
  status: optional(z.looseObject({ phase: optional(text) })),
});

export const secretSchema: z.ZodType<Secret> = z.looseObject({
  type: optional(text),
  data: optional(z.record(z.string(), z.base64())),
  stringData: optional(textMap),
  immutable: optional(z.boolean()),
});

export const configMapSchema: z.ZodType<ConfigMap> = z.looseObject({
  data: optional(textMap),
  binaryData: optional(z.record(z.string(), z.base64())),
  immutable: optional(z.boolean()),
});

export const serviceAccountSchema: z.ZodType<ServiceAccount> = z.looseObject({
  automountServiceAccountToken: optional(z.boolean()),
});

export const deploymentSchema: z.ZodType<Deployment> = z.looseObject({
  replicas: optional(z.int().min(0)),
  selector: optional(z.looseObject({ matchLabels: optional(textMap) })),
  template: optional(
    z.looseObject({
      metadata: optional(
        z.looseObject({ labels: optional(textMap), annotations: optional(textMap) }),
      ),
      spec: optional(podSchema),
    }),
  ),
});
