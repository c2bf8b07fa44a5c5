/** The proxies that are connected now, with what they were described as: for scrapes, debugging and their secrets. */
import type { ProxyDescription, ProxyView, Translator } from "@heddle/translate";
import type { ViewSource } from "./xds/index.ts";

export interface LiveProxy {
  readonly description: ProxyDescription;
  readonly view: ProxyView;
}

export interface LiveProxies extends ViewSource {
  /** The newest stream of each proxy. */
  all(): LiveProxy[];
  /** By `pod.namespace`, or by the node's id. */
  find(name: string): LiveProxy | undefined;
}

/** Hands out the translator's views and remembers for whom. `opened` is told of each, and what it gives back of its end. */
export function createLiveProxies(
  views: Pick<Translator, "view" | "settled">,
  opened: (proxy: ProxyDescription) => () => void = () => () => {},
): LiveProxies {
  const live = new Set<LiveProxy>();
  const byId = () => [...new Map([...live].map((proxy) => [proxy.description.id, proxy])).values()];
  return {
    settled: () => views.settled(),
    view(description) {
      const view = views.view(description);
      const proxy = { description, view };
      live.add(proxy);
      const ended = opened(description);
      return {
        resources: (type) => view.resources(type),
        named: (type, name) => view.named(type, name),
        forget: (type, name) => view.forget(type, name),
        get onDemand() {
          return view.onDemand;
        },
        secrets: () => view.secrets(),
        mayHave: (secret) => view.mayHave(secret),
        subscribe: (listener) => view.subscribe(listener),
        dispose() {
          if (!live.delete(proxy)) return;
          view.dispose();
          ended();
        },
      };
    },
    all: byId,
    find: (name) =>
      byId().findLast(({ description }) => nameOf(description) === name || description.id === name),
  };
}

/** `pod.namespace`, or the id of a client that has no pod. */
export function nameOf({ pod, namespace, id }: ProxyDescription): string {
  return pod ? `${pod}.${namespace}` : id;
}
