/** Codes of what injection and the deployment of gateways may find; each has a page in docs/codes, made from this table. */
import type { CodeEntry } from "@heddle/model";

export const injectionCodes: Readonly<Record<string, CodeEntry>> = {
  HDL6001: {
    level: "Warning",
    title: "Nobody reads a pod's annotation or label",
    why: "It is of a group of Istio's or Heddle's, and no annotation or label of that name is known. A slip of the keyboard there would change nothing and say nothing.",
    example: "sidecar.istio.io/proxyCpu: 100m",
    remedy: "Mend the name, or take it out. docs/coverage/injection.md has all that are known.",
  },
  HDL6002: {
    level: "Warning",
    title: "A pod asks for something that has no effect here",
    why: "The annotation, or the field of `proxy.istio.io/config`, is known to Istio and does nothing here; the message says why. Where doing without would lead traffic elsewhere it is an Error, and the pod is not injected.",
    example: "sidecar.istio.io/bootstrapOverride: my-bootstrap",
    remedy: "Take it out, or say it in the way that the message names.",
  },
  HDL6003: {
    level: "Error",
    title: "A pod's annotation has a value that cannot stand there",
    why: "The pod is not injected: a proxy that is set up in another way than was asked for is worse than none.",
    example: "traffic.sidecar.istio.io/excludeInboundPorts: http",
    remedy: "Give what the message names.",
  },
  HDL6004: {
    level: "Error",
    title: "A pod names a template that there is not",
    why: "`inject.istio.io/templates` names templates that are laid over the pod in order. The pod is not injected.",
    example: "inject.istio.io/templates: sidecar,mine",
    remedy: "Name templates that the injector has; the message lists them.",
  },
  HDL6005: {
    level: "Warning",
    title: "A probe asks for a port that its container does not have",
    why: "Probes are asked by the proxy, which has to know the port's number. The probe is left as it is, and fails where the workload takes mutual TLS alone.",
    example: "readinessProbe: {httpGet: {port: web}}",
    remedy: "Give the port's number, or name a port of the container.",
  },
  HDL6006: {
    level: "Warning",
    title: "Nothing waits for the proxy, or with it",
    why: "An application waits for its proxy, and a proxy serves on while its pod ends, by a native sidecar's probe or by hooks. Hooks need a shell, which images of type distroless do not have, or a cluster whose hooks can wait (1.30 and newer).",
    example: "image: {imageType: distroless}   # on Kubernetes 1.28",
    remedy: "Use native sidecars, or an image of type default.",
  },
  HDL6007: {
    level: "Warning",
    title: "A pod that is to complete does not",
    why: "A Job's pod is complete when all of its containers have ended, and a proxy that is a container among them goes on. Native sidecars do not count.",
    example: 'restartPolicy: Never   # with sidecar.istio.io/nativeSidecar: "false"',
    remedy: "Use native sidecars (Kubernetes 1.29 and newer), or leave such pods without a proxy.",
  },
  HDL6011: {
    level: "Error",
    title: "A Gateway's parameters cannot be read",
    why: "`infrastructure.parametersRef` names a ConfigMap of the Gateway's namespace with patches under the keys serviceAccount, deployment, service, horizontalPodAutoscaler and podDisruptionBudget. Anything else is refused, and the Gateway's condition Accepted has the reason InvalidParameters.",
    example: "parametersRef: {group: example.com, kind: Settings, name: edge}",
    remedy: "Name such a ConfigMap, and mend what the message names in it.",
  },
  HDL6012: {
    level: "Error",
    title: "A Gateway's name is too long for what is made for it",
    why: "Its Deployment and Service are named by the Gateway and its class, joined by a dash; names of Services have at most 63 characters.",
    example: "name: a-name-of-more-than-sixty-characters-that-somebody-has-generated",
    remedy: "Give another name by the annotation gateway.istio.io/name-override.",
  },
  HDL6013: {
    level: "Error",
    title: "A Gateway asks for a type of Service that there is not",
    why: "The annotation `networking.istio.io/service-type` chooses how the Gateway's Service is reached.",
    example: "networking.istio.io/service-type: Loadbalancer",
    remedy: "Give LoadBalancer, NodePort or ClusterIP.",
  },
  HDL6014: {
    level: "Warning",
    title: "A Gateway asks for an address that its Service cannot ask for",
    why: "`spec.addresses` becomes the Service's loadBalancerIP, which is one address of a load balancer.",
    example: "addresses: [{value: 10.0.0.1}, {value: 10.0.0.2}]",
    remedy: "Ask for one address, with type LoadBalancer.",
  },
};

/** File name to text. */
export function injectionPages(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(injectionCodes).map(([code, { level, title, why, example, remedy }]) => [
      `${code}.md`,
      [
        `# ${code}: ${title}`,
        `Level: ${level}, unless the finding says otherwise.`,
        why,
        "## Example",
        `\`\`\`yaml\n${example}\n\`\`\``,
        "## What to do",
        `${remedy}\n`,
      ].join("\n\n"),
    ]),
  );
}
