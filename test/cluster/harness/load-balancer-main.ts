/** `load-balancer-main.ts KUBECONFIG RANGE`: see `load-balancer.ts`. */
import { createKubernetesClient } from "../../../agent/src/kubernetes/client.ts";
import { createApiServer } from "../../../agent/src/sources/kubernetes/api.ts";
import { nameOf, startReflector } from "../../../agent/src/sources/kubernetes/reflector.ts";
import { administrator } from "./api.ts";
import { assign, type Balanced } from "./load-balancer.ts";

interface Service {
  readonly spec: { readonly type?: string; readonly loadBalancerIP?: string };
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] };
  };
}

/** Events of a burst are taken together, milliseconds. */
const GATHER = 20;
/** A write that failed is tried again after so long, milliseconds. */
const AGAIN = 1_000;

const [kubeconfig = "", range = ""] = process.argv.slice(2);
const { server, options } = await administrator(kubeconfig);
const access = { server, options: () => Promise.resolve(options) };
const client = createKubernetesClient(access);
const services = new Map<string, Balanced>();
let timer: NodeJS.Timeout | undefined;

const later = (milliseconds: number) => void (timer ??= setTimeout(write, milliseconds));
const reflector = startReflector({
  api: createApiServer(access),
  path: "/api/v1/services",
  changed: () => {},
  target: {
    put(object) {
      const { spec, status } = object as unknown as Service;
      services.set(nameOf(object), {
        name: nameOf(object),
        wants: spec.type === "LoadBalancer",
        asked: spec.loadBalancerIP || undefined,
        has: (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []),
      });
      later(GATHER);
    },
    remove: (object) => void services.delete(nameOf(object)),
    only(names) {
      for (const name of services.keys()) if (!names.has(name)) services.delete(name);
    },
  },
});

async function write(): Promise<void> {
  try {
    // Before all of them are known nobody knows which addresses are free.
    if (!reflector.state().listed) return;
    for (const [name, addresses] of assign([...services.values()], range)) {
      const [namespace = "", service = ""] = name.split("/");
      const ingress = addresses.map((ip) => ({ ip }));
      const place = { apiVersion: "v1", plural: "services", namespace };
      const status = { loadBalancer: { ingress } };
      await client.patch(place, service, { merge: { status } }, { subresource: "status" });
      console.log(`${name}: ${addresses.join() || "none"}`);
    }
  } catch (error) {
    console.error(String(error));
    timer = undefined;
    later(AGAIN);
    return;
  }
  timer = undefined;
  if (assign([...services.values()], range).size > 0) later(AGAIN);
}
