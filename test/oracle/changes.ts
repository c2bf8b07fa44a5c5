/** Random valid changes of rules: whatever a rule refers to is there, and may come and go with it or by itself. */
import type { HTTPMatchRequest, HTTPRoute, StringMatch } from "@heddle/model";
import type { Random } from "./random.ts";
import { HOSTS, type Policy, type RulesState } from "./state.ts";

/** Where a rule stands: at the gateway, before `front`; or in the mesh, before `reviews`. */
type Hop = "edge" | "mesh";

const SUBSETS: Readonly<
  Record<Hop, Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>>
> = {
  mesh: {
    v1: [{ version: "v1" }],
    v2: [{ version: "v2" }],
    v3: [{ version: "v3" }],
    canary: [{ version: "v3" }, { version: "v2" }],
    all: [{ app: "reviews" }],
  },
  edge: {
    one: [{ app: "front" }],
    two: [{ app: "front" }, { version: "v1" }],
    three: [{ version: "v1" }],
  },
};
const BALANCERS = ["ROUND_ROBIN", "LEAST_REQUEST", "RANDOM"] as const;
const MOST_RULES = 6;
const GATEWAY_HOSTS = ["a.test", "b.test", "c.test", "*.wide.test"];

export function firstState(): RulesState {
  return {
    version: 0,
    mesh: undefined,
    reviews: undefined,
    front: undefined,
    hosts: [...GATEWAY_HOSTS],
    edge: Object.fromEntries(
      HOSTS.map((host) => [host, [[{ route: [{ destination: { host: "front" } }] }]]]),
    ),
  };
}

/** What the change does, for the report of a failure, and the state after it. Versions are the caller's. */
export function changed(state: RulesState, random: Random): { what: string; state: RulesState } {
  const steps = random.chance(0.2) ? 2 + random.below(3) : 1;
  let next = state;
  const what: string[] = [];
  for (let step = 0; step < steps; step++) {
    const [name, change] = random.pick(CHANGES);
    next = change(next, random);
    what.push(name);
  }
  return { what: what.join(" + "), state: withSubsets(next, random) };
}

type Change = (state: RulesState, random: Random) => RulesState;

const meshRules: Change = (state, random) => ({
  ...state,
  mesh: mutated(state.mesh ?? [], "mesh", random),
});

const edgeRules: Change = (state, random) => {
  const host = random.pick(HOSTS);
  const services = state.edge[host] ?? [[]];
  const index = random.below(services.length);
  const next = services.map((rules, each) =>
    each === index ? mutated(rules, "edge", random) : rules,
  );
  return { ...state, edge: { ...state.edge, [host]: next } };
};

/** The names lead to the change, so that weights of the choice are seen at a glance. */
const CHANGES: readonly (readonly [string, Change])[] = [
  ["mesh rule", meshRules],
  ["mesh rule", meshRules],
  ["mesh rule", meshRules],
  ["edge rule", edgeRules],
  ["edge rule", edgeRules],
  ["edge rule", edgeRules],
  [
    "mesh rules go or come",
    (state, random) =>
      state.mesh ? { ...state, mesh: undefined } : { ...state, mesh: mutated([], "mesh", random) },
  ],
  [
    "rules of a host go, come, or are divided",
    (state, random) => {
      const missing = HOSTS.filter((each) => !(each in state.edge));
      const host = random.pick(missing.length > 0 ? missing : HOSTS);
      const { [host]: services, ...others } = state.edge;
      if (services === undefined)
        return { ...state, edge: { ...others, [host]: [mutated([], "edge", random)] } };
      if (services.length === 1 && random.chance(0.5))
        return {
          ...state,
          edge: { ...others, [host]: [...services, mutated([], "edge", random)] },
        };
      return {
        ...state,
        edge: services.length > 1 ? { ...others, [host]: [services[1] ?? []] } : others,
      };
    },
  ],
  [
    "a host of the gateway",
    (state, random) => {
      // A host that is not there answers 404 alone: it comes back soon.
      const missing = GATEWAY_HOSTS.filter((each) => !state.hosts.includes(each));
      const host = random.pick(missing.length > 0 ? missing : GATEWAY_HOSTS);
      const hosts = state.hosts.includes(host)
        ? state.hosts.filter((each) => each !== host)
        : [...state.hosts, host];
      return { ...state, hosts };
    },
  ],
  [
    "a subset that nobody uses",
    (state, random) => {
      const hop = random.pick(["mesh", "edge"] as const);
      const name = random.pick(Object.keys(SUBSETS[hop]));
      return withPolicy(state, hop, (policy) => ({
        ...policy,
        subsets: { [name]: random.pick(SUBSETS[hop][name] ?? []), ...policy.subsets },
      }));
    },
  ],
  [
    "labels of a subset",
    (state, random) => {
      const hop = random.pick(["mesh", "edge"] as const);
      return withPolicy(state, hop, (policy) => {
        const names = Object.keys(policy.subsets);
        if (names.length === 0) return policy;
        const name = random.pick(names);
        return {
          ...policy,
          subsets: { ...policy.subsets, [name]: random.pick(SUBSETS[hop][name] ?? []) },
        };
      });
    },
  ],
  [
    "load balancing",
    (state, random) =>
      withPolicy(state, random.pick(["mesh", "edge"] as const), (policy) => {
        if (random.chance(0.5))
          return { ...policy, balancer: random.pick([...BALANCERS, undefined]) };
        const names = Object.keys(policy.subsets);
        if (names.length === 0) return policy;
        const name = random.pick(names);
        const { [name]: had, ...others } = policy.subsetBalancer;
        return {
          ...policy,
          subsetBalancer: had ? others : { ...others, [name]: random.pick(BALANCERS) },
        };
      }),
  ],
  ["unused subsets go", (state) => pruned(pruned(state, "mesh"), "edge")],
];

const EMPTY: Policy = { subsets: {}, balancer: undefined, subsetBalancer: {} };

function withPolicy(state: RulesState, hop: Hop, change: (policy: Policy) => Policy): RulesState {
  const key = hop === "mesh" ? "reviews" : "front";
  return { ...state, [key]: change(state[key] ?? EMPTY) };
}

function usedSubsets(state: RulesState, hop: Hop): ReadonlySet<string> {
  const rules = hop === "mesh" ? (state.mesh ?? []) : Object.values(state.edge).flat(2);
  return new Set(
    rules.flatMap(({ route = [] }) => route.flatMap(({ destination }) => destination.subset ?? [])),
  );
}

/** Subsets that rules have come to use appear with them; those no longer used may go in the same change, or later. */
function withSubsets(state: RulesState, random: Random): RulesState {
  let next = state;
  for (const hop of ["mesh", "edge"] as const) {
    const policy = next[hop === "mesh" ? "reviews" : "front"];
    const missing = [...usedSubsets(next, hop)].filter(
      (name) => !(name in (policy?.subsets ?? {})),
    );
    if (missing.length > 0)
      next = withPolicy(next, hop, (had) => ({
        ...had,
        subsets: {
          ...had.subsets,
          ...Object.fromEntries(
            missing.map((name) => [name, random.pick(SUBSETS[hop][name] ?? [])]),
          ),
        },
      }));
    if (random.chance(0.3)) next = pruned(next, hop);
  }
  return next;
}

/** Without the subsets that no rule uses; without the whole object where none is left. */
function pruned(state: RulesState, hop: Hop): RulesState {
  const key = hop === "mesh" ? "reviews" : "front";
  const policy = state[key];
  if (!policy) return state;
  const used = usedSubsets(state, hop);
  const kept = <T>(of: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(of).filter(([name]) => used.has(name)));
  const subsets = kept(policy.subsets);
  if (Object.keys(subsets).length === 0) return { ...state, [key]: undefined };
  return { ...state, [key]: { ...policy, subsets, subsetBalancer: kept(policy.subsetBalancer) } };
}

/** A list of rules with one rule more, less, other, or elsewhere; a rule for everything stands last, if anywhere. */
function mutated(rules: readonly HTTPRoute[], hop: Hop, random: Random): readonly HTTPRoute[] {
  const special = rules.filter(({ match }) => match !== undefined);
  const rest = rules.filter(({ match }) => match === undefined);
  const at = special.length > 0 ? random.below(special.length) : 0;
  const choice = random.below(6);
  if (choice === 0 && rules.length > 1) {
    const drop = random.below(random.chance(0.2) ? rules.length : rules.length - 1);
    return [...special, ...rest].filter((_, index) => index !== drop);
  }
  if (choice === 1 && special.length > 1) {
    const [moved] = special.splice(at, 1);
    if (moved) special.splice(random.below(special.length + 1), 0, moved);
    return [...special, ...rest];
  }
  if (choice === 2 || rest.length === 0) return [...special, action(hop, random)];
  const rule = { match: matches(hop, random), ...action(hop, random) };
  if (choice === 3 || special.length >= MOST_RULES) special.splice(at, 1, rule);
  else special.splice(at, 0, rule);
  return [...special, ...rest];
}

function matches(hop: Hop, random: Random): HTTPMatchRequest[] {
  return Array.from({ length: random.chance(0.25) ? 2 : 1 }, () => match(hop, random));
}

const text = (random: Random, of: readonly string[]): StringMatch => {
  const value = random.pick(of);
  const kind = random.below(3);
  if (kind === 0) return { exact: value };
  if (kind === 1) return { prefix: value.slice(0, 2) };
  return { regex: `${value.slice(0, 2)}.*` };
};

/** Never one that takes every request: the path or something else is asked for. */
function match(hop: Hop, random: Random): HTTPMatchRequest {
  const made: Record<string, unknown> = {};
  if (random.chance(0.7)) made["uri"] = uri(random);
  if (made["uri"] && random.chance(0.2) && !("regex" in (made["uri"] as object)))
    made["ignoreUriCase"] = true;
  if (random.chance(0.25))
    made["headers"] = { "x-o-user": random.chance(0.3) ? {} : text(random, USERS) };
  if (random.chance(0.15)) made["withoutHeaders"] = { "x-o-tier": text(random, TIERS) };
  if (random.chance(0.2)) made["queryParams"] = { q: text(random, QUERIES) };
  if (random.chance(0.2)) made["method"] = { exact: random.pick(METHODS) };
  if (hop === "mesh" && random.chance(0.2))
    made["sourceLabels"] = { app: random.chance(0.8) ? "front" : "other" };
  if (hop === "edge" && random.chance(0.1)) made["port"] = random.chance(0.7) ? 80 : 81;
  const narrow = ["uri", "headers", "withoutHeaders", "queryParams", "method"];
  if (!narrow.some((name) => name in made)) made["uri"] = uri(random);
  return made as HTTPMatchRequest;
}

export const USERS = ["alice", "bob", "alina"];
export const TIERS = ["gold", "silver"];
export const QUERIES = ["12", "13", "21"];
export const METHODS = ["GET", "POST", "PUT"];
export const PATHS = [
  "/",
  "/one/a",
  "/one/b",
  "/One/A",
  "/two/a/b",
  "/two/c",
  "/edge/x",
  "/mesh/y",
];

function uri(random: Random): StringMatch {
  const kind = random.below(3);
  if (kind === 0) return { exact: random.pick(PATHS.slice(1)) };
  if (kind === 1)
    return { prefix: random.pick(["/one/", "/two/", "/two/a", "/o", "/edge/", "/mesh/"]) };
  return { regex: random.pick(["/one/[ab]", "/(one|two)/.*", "/two/.", "/[a-z]+/[a-z]"]) };
}

function action(hop: Hop, random: Random): HTTPRoute {
  if (random.chance(0.12))
    return {
      redirect: {
        ...(random.chance(0.6) ? { uri: `/elsewhere/${random.below(9)}` } : {}),
        authority: `${random.pick(["left", "right"])}.test`,
        ...(random.chance(0.5) ? { redirectCode: random.pick([302, 303, 307, 308]) } : {}),
        ...(random.chance(0.3) ? { scheme: "https" } : {}),
      },
    };
  if (random.chance(0.12))
    return {
      directResponse: {
        status: random.pick([200, 203, 404, 410]),
        body: { string: `${hop} ${random.below(1000)}` },
      },
    };
  return {
    route: destinations(hop, random),
    ...(random.chance(0.25) ? { rewrite: rewrite(hop, random) } : {}),
    ...(random.chance(0.3) ? { headers: headers(`${hop}-rule`, random) } : {}),
    ...(random.chance(0.3) ? { timeout: random.pick(["400ms", "600ms", "5s"]) } : {}),
    ...(random.chance(0.4) ? { retries: retries(random) } : {}),
    ...(random.chance(0.12) ? { fault: fault(random) } : {}),
  };
}

function destinations(hop: Hop, random: Random): NonNullable<HTTPRoute["route"]> {
  const host = hop === "mesh" ? "reviews" : "front";
  const names = random.some(Object.keys(SUBSETS[hop]), 1 + random.below(3));
  const own = () => (random.chance(0.3) ? { headers: headers(`${hop}-to`, random) } : {});
  if (names.length === 1) {
    const [name = ""] = names;
    const subset = random.chance(0.7) ? { subset: name } : {};
    return [{ destination: { host, ...subset }, ...own() }];
  }
  const weights = names.map((_, index) => (index === 0 ? 40 : random.pick([0, 20, 60])));
  return names.map((subset, index) => ({
    destination: { host, subset },
    weight: weights[index] ?? 0,
    ...own(),
  }));
}

function rewrite(hop: Hop, random: Random): NonNullable<HTTPRoute["rewrite"]> {
  const authority = random.chance(0.3) ? { authority: `${hop}-rewritten.test` } : {};
  if (random.chance(0.4))
    return {
      ...authority,
      uriRegexRewrite: { match: "/([a-z]+)/(.*)", rewrite: String.raw`/\2/\1` },
    };
  return { ...authority, uri: random.pick(["/mesh/y/", "/edge/x/", "/one/"]) };
}

/** Names by level: what several levels do to one header is settled by order, which is another test's concern. */
function headers(level: string, random: Random): NonNullable<HTTPRoute["headers"]> {
  const operations = () => ({
    ...(random.chance(0.6) ? { set: { [`x-o-${level}-set`]: `s${random.below(9)}` } } : {}),
    ...(random.chance(0.5) ? { add: { "x-o-added": `${level}-${random.below(9)}` } } : {}),
  });
  return {
    request: {
      ...operations(),
      ...(random.chance(0.3) ? { remove: [random.pick(["x-o-tier", "x-o-noise"])] } : {}),
    },
    response: { ...operations(), ...(random.chance(0.3) ? { remove: ["x-o-of-app"] } : {}) },
  };
}

function retries(random: Random): NonNullable<HTTPRoute["retries"]> {
  if (random.chance(0.3)) return { attempts: 0 };
  return { attempts: 1 + random.below(2), retryOn: random.pick(["503", "5xx"]), backoff: "1ms" };
}

function fault(random: Random): NonNullable<HTTPRoute["fault"]> {
  if (random.chance(0.5))
    return {
      abort: {
        httpStatus: random.pick([403, 418, 429]),
        percentage: { value: random.pick([50, 100]) },
      },
    };
  return {
    delay: {
      fixedDelay: `${20 + random.below(30)}ms`,
      percentage: { value: random.pick([50, 100]) },
    },
  };
}
