/** Which templates make a pod: the two that are built in, and what is laid over them. */
import type { Report } from "./finding.ts";
import type { Container, PodTemplate } from "./pod.ts";
import { overlay } from "./overlay.ts";
import { PROXY_CONTAINER } from "./proxy-container.ts";

export interface Templates {
  /** A pod without either has no proxy of ours, only what its own templates bring. */
  readonly builtIn: "sidecar" | "gateway" | undefined;
  /** In order. */
  readonly overlays: readonly PodTemplate[];
}

const ANNOTATION = "inject.istio.io/templates";
const BUILT_IN = ["sidecar", "gateway"] as const;
/** Istio's, for clients of gRPC that are given a program beside them. */
const GRPC: ReadonlySet<string> = new Set(["grpc-agent", "grpc-simple"]);

export function templatesOf(
  annotations: Readonly<Record<string, string>>,
  own: Readonly<Record<string, PodTemplate>>,
  report: Report,
): Templates {
  const names = (annotations[ANNOTATION] ?? "sidecar")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const builtIn = BUILT_IN.filter((name) => names.includes(name));
  const problem = (message: string, remedy: string) =>
    report({ code: "HDL6004", level: "Error", path: "metadata.annotations", message, remedy });
  if (builtIn.length > 1)
    problem(`${ANNOTATION} names both sidecar and gateway`, "A pod has one proxy: name one.");
  for (const name of names) {
    if (GRPC.has(name))
      problem(
        `${ANNOTATION}: ${name} is not needed here: clients of gRPC ask the agent themselves`,
        "Take it out, and see the guide on gRPC without proxies.",
      );
    else if (!(BUILT_IN as readonly string[]).includes(name) && !Object.hasOwn(own, name))
      problem(
        `${ANNOTATION}: there is no template ${name}`,
        `There are: ${[...BUILT_IN, ...Object.keys(own)].join(", ")}.`,
      );
  }
  return {
    builtIn: builtIn[0],
    overlays: names.flatMap((name) => (Object.hasOwn(own, name) ? [own[name] ?? {}] : [])),
  };
}

export interface OwnProxy {
  /** The pod without it. */
  readonly pod: PodTemplate;
  /** What the pod says of its proxy's container itself. */
  readonly container: Partial<Container> | undefined;
}

/** Takes the proxy's container out of a pod or a template, wherever it stands: where ours stands is decided here. */
export function withoutProxy(pod: PodTemplate): OwnProxy {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const isProxy = ({ name }: Container) => name === PROXY_CONTAINER;
  const found = [...containers, ...initContainers].find(isProxy);
  if (found === undefined) return { pod, container: undefined };
  const { restartPolicy: _, ...container } = found;
  return {
    container,
    pod: {
      ...pod,
      spec: {
        ...pod.spec,
        containers: containers.filter((each) => !isProxy(each)),
        ...(initContainers.length > 0
          ? { initContainers: initContainers.filter((each) => !isProxy(each)) }
          : {}),
      },
    },
  };
}

/** An image that stands for whichever the injector puts there. */
const ANY_IMAGE = "auto";

/**
 * A template's or the pod's own word on the proxy's container, over what was made. Kubernetes says `Always` of an image without a tag before
 * any webhook is asked: what it says of `auto` is not about the image that comes in its place.
 */
export function customized(made: Container, own: Partial<Container> | undefined): Container {
  if (own === undefined) return made;
  const { image, ...rest } = own;
  if (image !== undefined && image !== ANY_IMAGE) return overlay(made, own);
  const { imagePullPolicy, ...others } = rest;
  return overlay(made, image === ANY_IMAGE && imagePullPolicy === "Always" ? others : rest);
}
