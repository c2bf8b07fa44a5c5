/** Random requests and connections, made of the values that policies name, so that both answers come often. */
import type {
  AuthorizationOperation,
  AuthorizationPolicy,
  AuthorizationRule,
  AuthorizationSource,
} from "@heddle/model";
import type { Certificate, Question } from "./question.ts";

/** Numbers from 0 to 1. */
export type Random = () => number;

/** Answers alike for a seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Pools {
  readonly rules: readonly AuthorizationRule[];
  readonly trustDomains: readonly string[];
  /** Of the policies; accounts without a namespace are of it. */
  readonly namespace: string;
}

export function poolsOf(
  policies: readonly AuthorizationPolicy[],
  rest: Omit<Pools, "rules">,
): Pools {
  return { rules: policies.flatMap(({ rules = [] }) => rules), ...rest };
}

/**
 * Meets one rule in most of what it asks for, and some others in a little of it. Where a rule asks for two things that a request has
 * only one of, the later wins; a certificate may have several names.
 */
export function question(pools: Pools, random: Random): Question {
  const draft = blank(random);
  const { rules } = pools;
  for (let i = 0; i < 2 && rules.length > 0; i++) {
    // Now and then everything is met; mostly something is missing.
    const share = i > 0 ? 0.1 : random() < 0.4 ? 1 : 0.8;
    meet(draft, one(rules, random), { pools, random, share });
  }
  if (random() < 0.15) draft.certificate = undefined;
  if (random() < 0.2) stray(draft, { pools, random, share: 1 });
  return draft as Question;
}

type Draft = {
  -readonly [Key in keyof Question]: Question[Key];
} & {
  headers: Record<string, string>;
  metadata: Record<string, Record<string, unknown>>;
};

interface Way {
  readonly pools: Pools;
  readonly random: Random;
  /** Of what is asked for, 0 to 1. */
  readonly share: number;
}

function blank(random: Random): Draft {
  return {
    headers: {
      ":method": one(["GET", "POST", "DELETE"], random),
      ":path": one(["/", "/a/b", "/a/b?c=d"], random),
      ":authority": one(["shop.test", "shop.test:8080"], random),
    },
    certificate: { uris: [], names: [], subject: "" },
    directRemoteAddress: one(["127.0.0.1", "10.0.0.9"], random),
    remoteAddress: one(["127.0.0.1", "203.0.113.7"], random),
    localAddress: "127.0.0.1",
    localPort: 8080,
    serverName: "",
    metadata: {},
  };
}

function meet(draft: Draft, { from = [], to = [], when = [] }: AuthorizationRule, way: Way): void {
  if (from.length > 0) meetSource(draft, one(from, way.random).source ?? {}, way);
  if (to.length > 0) meetOperation(draft, one(to, way.random).operation ?? {}, way);
  for (const { key, values, notValues } of when)
    pick(way, values, notValues, setterOf(draft, key, way));
}

function meetSource(draft: Draft, source: AuthorizationSource, way: Way): void {
  const set = (key: string) => setterOf(draft, key, way);
  pick(way, source.principals, source.notPrincipals, set("source.principal"));
  pick(way, source.requestPrincipals, source.notRequestPrincipals, set("request.auth.principal"));
  pick(way, source.serviceAccounts, source.notServiceAccounts, set("source.serviceAccount"));
  pick(way, source.trustDomains, source.notTrustDomains, set("source.trustDomain"));
  pick(way, source.namespaces, source.notNamespaces, set("source.namespace"));
  pick(way, source.remoteIpBlocks, source.notRemoteIpBlocks, set("remote.ip"));
  pick(way, source.ipBlocks, source.notIpBlocks, set("source.ip"));
}

function meetOperation(draft: Draft, operation: AuthorizationOperation, way: Way): void {
  const set = (key: string) => setterOf(draft, key, way);
  pick(way, operation.hosts, operation.notHosts, set(":authority"));
  pick(way, operation.methods, operation.notMethods, set(":method"));
  pick(way, operation.paths, operation.notPaths, set(":path"));
  pick(way, operation.ports, operation.notPorts, set("destination.port"));
}

type Set = (value: string) => void;

/** One of the values; now and then one that is not to be. */
function pick(
  way: Way,
  values: readonly string[] = [],
  notValues: readonly string[] = [],
  set: Set,
) {
  const { random, share } = way;
  if (values.length > 0 && random() < share) set(one(values, random));
  if (notValues.length > 0 && random() < 0.1) set(one(notValues, random));
}

/** One attribute of any rule, whatever the others are. */
function stray(draft: Draft, way: Way): void {
  const { rules } = way.pools;
  if (rules.length === 0) return;
  const { from = [], to = [], when = [] } = one(rules, way.random);
  const parts: AuthorizationRule[] = [
    ...from.map((each) => ({ from: [each] })),
    ...to.map((each) => ({ to: [each] })),
    ...when.map((each) => ({ when: [each] })),
  ];
  if (parts.length > 0) meet(draft, one(parts, way.random), { ...way, share: 0.5 });
}

const TOKEN = "envoy.filters.http.jwt_authn";

/** How a value of an attribute is made true of a request. */
function setterOf(draft: Draft, key: string, { pools, random }: Way): Set {
  const named = (uri: string) => {
    const { uris, names, subject } = draft.certificate ?? { uris: [], names: [], subject: "" };
    draft.certificate = {
      uris: [...uris, `spiffe://${uri}`],
      names,
      subject,
    } satisfies Certificate;
  };
  const domain = () => one([...pools.trustDomains, "elsewhere.test"], random);
  const payload = () =>
    (draft.metadata[TOKEN] ??= { payload: {} })["payload"] as Record<string, unknown>;
  const [, inside] = /\[(.*)\]$/.exec(key) ?? [];
  switch (true) {
    case key === "source.principal":
      return (value) => {
        const [, ...path] = concrete(value, random).split("/");
        // The mesh has several names: sometimes another one.
        const renamed = path.length === 4 && random() < 0.4;
        named(renamed ? [domain(), ...path].join("/") : concrete(value, random));
      };
    case key === "source.namespace":
      return (value) =>
        named(`${domain()}/ns/${concrete(value, random)}/sa/${one(["web", "x"], random)}`);
    case key === "source.serviceAccount":
      return (value) => {
        const [account, namespace = pools.namespace] = value.split("/").toReversed();
        named(`${domain()}/ns/${namespace}/sa/${account!}${one(["", "", "-x", "/y"], random)}`);
      };
    case key === "source.trustDomain":
      return (value) => named(`${concrete(value, random)}/ns/any/sa/web`);
    case key === "source.ip":
      return (value) => void (draft.directRemoteAddress = addressIn(value, random));
    case key === "remote.ip":
      return (value) => void (draft.remoteAddress = addressIn(value, random));
    case key === "destination.ip":
      return (value) => void (draft.localAddress = addressIn(value, random));
    case key === "destination.port":
      return (value) => void (draft.localPort = Number(value));
    case key === "connection.sni":
      return (value) => void (draft.serverName = concrete(value, random));
    case key === "request.auth.principal":
      return (value) => {
        const text = concrete(value, random);
        const slash = text.lastIndexOf("/");
        const issuer = slash < 0 ? text : text.slice(0, slash);
        Object.assign(payload(), { iss: issuer, sub: slash < 0 ? "" : text.slice(slash + 1) });
      };
    case key === "request.auth.audiences":
      return (value) => void (payload()["aud"] = textOrList(concrete(value, random), random));
    case key === "request.auth.presenter":
      return (value) => void (payload()["azp"] = concrete(value, random));
    case key.startsWith("request.auth.claims") && inside !== undefined:
      return (value) => {
        const path = inside!.split("][");
        let at = payload();
        for (const step of path.slice(0, -1)) at = (at[step] ??= {}) as Record<string, unknown>;
        at[path.at(-1)!] = textOrList(concrete(value, random), random);
      };
    case key.startsWith("request.headers") && inside !== undefined:
      return (value) => void (draft.headers[inside!.toLowerCase()] = concrete(value, random));
    case key.startsWith("experimental.") && inside !== undefined:
      return (value) => {
        const filter = key.slice("experimental.".length, key.indexOf("["));
        const list = value.startsWith("[");
        const text = concrete(list ? value.slice(1, -1) : value, random);
        (draft.metadata[filter] ??= {})[inside!] = list ? ["other", text] : text;
      };
    case key === ":path":
      return (value) => {
        const path = value
          .replaceAll("{**}", one(["", "a", "a/b"], random))
          .replaceAll("{*}", one(["a", "b-1", "", "a/b"], random));
        draft.headers[":path"] = `${concrete(path, random)}${one(["", "", "?q=1"], random)}`;
      };
    case key === ":authority":
      return (value) => {
        const text = concrete(value, random);
        draft.headers[":authority"] = random() < 0.3 ? text.toUpperCase() : text;
      };
    case key === ":method":
      return (value) => void (draft.headers[":method"] = concrete(value, random));
    default:
      throw new Error(`no such attribute: ${key}`);
  }
}

/** A text for a value with a wildcard; also one that just misses it. */
function concrete(value: string, random: Random): string {
  const some = one(["x", "some-thing", "a/b"], random);
  if (value === "*") return random() < 0.1 ? "" : some;
  if (random() < 0.05) return `${value.replaceAll("*", "")}-not`;
  return value.replaceAll("*", random() < 0.3 ? "" : some);
}

function textOrList(text: string, random: Random): unknown {
  return random() < 0.5 ? text : ["other", text];
}

/** Of a subnet; now and then just outside of it. */
export function addressIn(subnet: string, random: Random): string {
  const [address = "", bits] = subnet.split("/");
  if (address.includes(":")) return random() < 0.8 ? address.replace(/::?$/, "::1") : "2001:db8::7";
  const whole = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits ?? 32));
  const base = Math.floor(whole / size) * size;
  const at = random() < 0.2 ? base + size : base + Math.floor(random() * size);
  return [24, 16, 8, 0].map((shift) => Math.floor(at / 2 ** shift) % 256).join(".");
}

export function one<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)] as T;
}
