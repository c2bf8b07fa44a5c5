/** A mesh of tests served as an agent would serve it, to sidecars that ask for the virtual hosts which they need. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import { type MeshObject, objectKey } from "@heddle/model";
import { bootstrap, type MeshSettings, type ProxyDescription } from "@heddle/translate";
import {
  createAdsServer,
  type ProxyView,
  type SecretValue,
  type WorkingSets,
} from "../../agent/src/xds/index.ts";
import { type BootstrapOfOptions, type Fetched, nodeOf, translatorOf } from "./world.ts";

export interface OnDemandServerOptions {
  readonly port?: number;
  /** Nothing is known of what workloads call unless they are given. */
  readonly workingSets?: WorkingSets;
}

export interface OnDemandServer {
  readonly port: number;
  /** What a sidecar starts with; `as` is how it takes its listeners. */
  bootstrap(options: BootstrapOfOptions, as: (listener: Listener) => Listener): Bootstrap;
  /** Changes what the mesh is made of. */
  apply(objects: readonly MeshObject[]): void;
  stop(): Promise<void>;
}

export async function serveOnDemand(
  objects: readonly MeshObject[],
  mesh: Partial<MeshSettings>,
  fetched: Fetched,
  { port: wanted = 0, workingSets }: OnDemandServerOptions = {},
): Promise<OnDemandServer> {
  const translator = translatorOf(objects, { onDemand: "ALWAYS", ...mesh }, fetched);
  const proxies = new Map<string, Served>();
  const server = createAdsServer({
    translator: {
      view: (proxy) => retold(translator.view(proxy), proxies.get(proxy.id)),
      settled: () => translator.settled(),
    },
    secrets: {
      secret: (proxy, name) => secretOf(proxies, proxy, name),
      subscribe: () => () => {},
    },
    log: { info() {}, warn: (message, fields) => console.warn(message, fields) },
    ...(workingSets ? { workingSets } : {}),
  });
  const port = await server.start(`127.0.0.1:${wanted}`);
  return {
    port,
    bootstrap(options, as) {
      const { address, otlp = { address, port: 4317 } } = options;
      const metadata = { HEDDLE_ON_DEMAND: "true", ...options.metadata };
      const node = nodeOf({ ...options, metadata });
      proxies.set(node.id, { secrets: options.secrets ?? [], as, known: new WeakMap() });
      return bootstrap({
        node,
        xds: { address: "127.0.0.1", port },
        otlp,
        admin: { address, port: 15000 },
        prometheus: { address, port: 15090 },
        health: { address, port: 15021 },
      });
    },
    apply: (changed) =>
      translator.apply(changed.map((object) => ({ key: objectKey(object), object }))),
    async stop() {
      await server.close();
    },
  };
}

interface Served {
  readonly secrets: readonly SecretValue[];
  readonly as: (listener: Listener) => Listener;
  /** Listeners as the proxy takes them, each made once: a value that is another one is sent again. */
  readonly known: WeakMap<object, object>;
}

function secretOf(
  proxies: ReadonlyMap<string, Served>,
  { id }: ProxyDescription,
  wanted: string,
): SecretValue | undefined {
  return proxies.get(id)?.secrets.find(({ name }) => name === wanted);
}

function retold(view: ProxyView, served: Served | undefined): ProxyView {
  if (served === undefined) return view;
  const { as, known } = served;
  return new Proxy(view, {
    get(target, property) {
      if (property !== "named") {
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return (type: Parameters<ProxyView["named"]>[0], name: string) => {
        const value = target.named(type, name);
        if (type !== "listener" || typeof value !== "object" || value === null) return value;
        const made = known.get(value) ?? as(value as Listener);
        known.set(value, made);
        return made;
      };
    },
  });
}
