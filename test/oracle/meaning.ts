/** What rules mean, from Istio's documentation alone: every answer that a request may get, given the rules that may be in force. */
import type { HTTPMatchRequest, HTTPRoute, StringMatch } from "@heddle/model";
import { EDGE_PORT, PORT, type RulesState } from "./state.ts";

export interface Ask {
  readonly method: string;
  readonly host: string;
  /** Without the query. */
  readonly path: string;
  /** Without the question mark; empty for none. */
  readonly query: string;
  /** Those that begin with x-o-. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What the application does with a request, told by its header x-o-behave: `slow` or `flaky`. */
export const SLOW_MS = 900;

export interface Outcome {
  readonly status: number;
  readonly location?: string;
  readonly body?: string;
  /** The request as the application of `reviews` must have seen it; undefined where it never got there. */
  readonly seen?: Ask & { readonly names: ReadonlySet<string>; readonly frontHost: string };
  /** Headers of the answer that begin with x-o-; undefined where nothing is promised of them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** It takes at least so long. */
  readonly atLeastMs: number;
}

export interface Expected {
  readonly outcomes: readonly Outcome[];
  /** The shortest time-out on the way: what takes longer may end with 504 also where the application is quick. */
  readonly timeoutMs: number;
}

/** Each hop may have any of these states: a change reaches the hops one after the other. */
export function expected(states: readonly RulesState[], ask: Ask): Expected {
  const walk: Walk = { states, outcomes: [], timeoutMs: Infinity };
  for (const found of distinct(states, (state) => edgeRule(state, ask))) atEdge(walk, found, ask);
  return walk;
}

interface Walk {
  readonly states: readonly RulesState[];
  readonly outcomes: Outcome[];
  timeoutMs: number;
}

type Headers = Readonly<Record<string, string>>;

function edgeRule(state: RulesState, ask: Ask): Found | undefined {
  const services = state.edge[ask.host];
  const rules = services && letsIn(state.hosts, ask.host) ? merged(services) : [];
  return decide(rules, ask, { port: EDGE_PORT, labels: { istio: "edge" } });
}

function meshRule({ mesh }: RulesState, ask: Ask): Found | undefined {
  const place = { port: PORT, labels: { app: "front" } };
  // Rules of which none concerns the client are, as in Istio, as good as none.
  const concerned = mesh?.some(
    ({ match }) => !match || match.some((each) => concerns(each, place)),
  );
  return mesh && concerned ? decide(mesh, ask, place) : { rule: NO_RULE, match: undefined };
}

const NO_RULE: HTTPRoute = {};

/** A rule that stays through many changes counts once. */
function distinct(
  states: readonly RulesState[],
  ruleOf: (state: RulesState) => Found | undefined,
): readonly (Found | undefined)[] {
  const found = new Map<unknown, Found | undefined>();
  for (const state of states) {
    const each = ruleOf(state);
    found.set(each?.match ?? each?.rule, each);
  }
  return [...found.values()];
}

function atEdge(walk: Walk, found: Found | undefined, ask: Ask): void {
  if (!found) {
    walk.outcomes.push({ status: 404, atLeastMs: 0 });
    return;
  }
  forEachTry(walk, found, ask, (sent, { rule, response, delayMs, retries }) => {
    const frontHost = sent.host;
    const timeout = milliseconds(rule.timeout);
    const tries = (flaky: boolean) =>
      atMesh(walk, { ...sent, host: `reviews:${PORT}` }, frontHost, flaky);
    const first = tries(true);
    const again = retries
      ? [
          ...first.filter((each) => !retries(each.status)),
          ...(first.some((each) => retries(each.status)) ? tries(false) : []),
        ]
      : first;
    for (const outcome of again) {
      const slow = outcome.atLeastMs;
      const headers = outcome.headers && operated(outcome.headers, response);
      walk.outcomes.push(
        timeout < slow
          ? { status: 504, atLeastMs: timeout + delayMs }
          : { ...outcome, ...(headers ? { headers } : {}), atLeastMs: slow + delayMs },
      );
    }
    walk.timeoutMs = Math.min(walk.timeoutMs, timeout);
  });
}

/** Every outcome of one call that the application of `front` makes. */
function atMesh(walk: Walk, ask: Ask, frontHost: string, flaky: boolean): readonly Outcome[] {
  const outcomes: Outcome[] = [];
  const inner: Walk = { states: walk.states, outcomes, timeoutMs: walk.timeoutMs };
  for (const found of distinct(walk.states, (state) => meshRule(state, ask))) {
    if (!found) {
      outcomes.push({ status: 404, atLeastMs: 0 });
      continue;
    }
    forEachTry(inner, found, ask, (sent, { rule, response, delayMs, retries, subset }) => {
      const timeout = milliseconds(rule.timeout);
      walk.timeoutMs = Math.min(walk.timeoutMs, timeout);
      const behave = ask.headers["x-o-behave"];
      const takes = behave === "slow" ? SLOW_MS : 0;
      if (timeout < takes) {
        outcomes.push({ status: 504, atLeastMs: timeout + delayMs });
        return;
      }
      const fails = behave === "flaky" && flaky && !retries?.(503);
      for (const labels of labelsOf(walk.states, subset)) {
        const names = namesWith(labels);
        for (const name of names)
          outcomes.push({
            status: fails ? 503 : 200,
            seen: { ...sent, names: new Set([name]), frontHost },
            headers: operated({ "x-o-of-app": name }, response),
            atLeastMs: takes + delayMs,
          });
      }
    });
  }
  return outcomes;
}

const REVIEWS = ["v1", "v2", "v3"];

function namesWith(labels: Headers): readonly string[] {
  return REVIEWS.filter((version) =>
    Object.entries(labels).every(([key, value]) => ({ app: "reviews", version })[key] === value),
  );
}

/** A subset may have the labels of any of the states: endpoints and routes come one after the other. */
function labelsOf(states: readonly RulesState[], subset: string | undefined): readonly Headers[] {
  if (subset === undefined) return [{}];
  const found = new Map<string, Headers>();
  for (const { reviews } of states) {
    const labels = reviews?.subsets[subset];
    if (labels) found.set(JSON.stringify(labels), labels);
  }
  return [...found.values()];
}

interface Found {
  readonly rule: HTTPRoute;
  readonly match: HTTPMatchRequest | undefined;
}

interface Try {
  readonly rule: HTTPRoute;
  readonly response: readonly Operations[];
  readonly delayMs: number;
  /** Whether a status is tried again; undefined where nothing is. */
  readonly retries: ((status: number) => boolean) | undefined;
  readonly subset: string | undefined;
}

interface Operations {
  readonly set?: Headers;
  readonly add?: Headers;
  readonly remove?: readonly string[];
}

/** Puts down what the rule answers by itself, and calls `send` for every destination that the request may go to. */
function forEachTry(
  walk: Walk,
  { rule, match }: Found,
  ask: Ask,
  send: (sent: Ask, details: Try) => void,
): void {
  const query = ask.query ? `?${ask.query}` : "";
  if (rule.redirect) {
    const { scheme = "http", authority = ask.host, uri = ask.path, redirectCode } = rule.redirect;
    const location = `${scheme}://${authority}${uri}${query}`;
    walk.outcomes.push({ status: redirectCode ?? 301, location, atLeastMs: 0 });
    return;
  }
  if (rule.directResponse) {
    const { status, body } = rule.directResponse;
    walk.outcomes.push({ status, body: body?.string ?? "", atLeastMs: 0 });
    return;
  }
  const { abort, delay } = rule.fault ?? {};
  const aborted = abort?.percentage?.value ?? 0;
  if (abort?.httpStatus && aborted > 0)
    walk.outcomes.push({ status: abort.httpStatus, atLeastMs: 0 });
  if (aborted === 100) return;
  const delayMs = delay?.percentage?.value === 100 ? milliseconds(delay.fixedDelay) : 0;
  const all = rule.route ?? [{ destination: { host: "" } }];
  for (const { destination, weight, headers } of all) {
    if (all.length > 1 && !weight) continue;
    const operations = [rule.headers, headers];
    const request = operations.flatMap((each) => each?.request ?? []);
    const response = operations.flatMap((each) => each?.response ?? []);
    const sent = {
      ...ask,
      host: rule.rewrite?.authority ?? ask.host,
      path: rewritten(ask.path, rule, match),
      headers: operated(ask.headers, request),
    };
    const on = (rule.retries?.attempts ?? 0) > 0 ? rule.retries?.retryOn : undefined;
    const retries =
      on === undefined
        ? undefined
        : (status: number) => status === 503 || (on === "5xx" && status >= 500);
    send(sent, { rule, response, delayMs, retries, subset: destination.subset });
  }
}

function rewritten(
  path: string,
  { rewrite }: HTTPRoute,
  match: HTTPMatchRequest | undefined,
): string {
  if (rewrite?.uriRegexRewrite) {
    const { match: pattern = "", rewrite: to = "" } = rewrite.uriRegexRewrite;
    return path.replaceAll(new RegExp(pattern, "g"), to.replaceAll("\\", "$"));
  }
  if (rewrite?.uri === undefined) return path;
  const uri = match?.uri;
  if (uri?.exact !== undefined || uri?.regex !== undefined) return rewrite.uri;
  return rewrite.uri + path.slice((uri?.prefix ?? "/").length);
}

function operated(headers: Headers, operations: readonly Operations[]): Headers {
  const result: Record<string, string> = { ...headers };
  for (const { set = {}, add = {}, remove = [] } of operations) {
    for (const name of remove) delete result[name];
    Object.assign(result, set);
    for (const [name, value] of Object.entries(add))
      result[name] = name in result ? `${result[name]}, ${value}` : value;
  }
  return result;
}

function decide(rules: readonly HTTPRoute[], ask: Ask, place: Place): Found | undefined {
  for (const rule of rules) {
    if (!rule.match) return { rule, match: undefined };
    for (const match of rule.match) if (takes(match, ask, place)) return { rule, match };
  }
  return undefined;
}

interface Place {
  readonly port: number;
  readonly labels: Headers;
}

/** Whether a match may take requests of a client at all. */
function concerns(match: HTTPMatchRequest, { port, labels }: Place): boolean {
  if (match.port !== undefined && match.port !== port) return false;
  return Object.entries(match.sourceLabels ?? {}).every(([key, value]) => labels[key] === value);
}

function takes(match: HTTPMatchRequest, ask: Ask, place: Place): boolean {
  if (!concerns(match, place)) return false;
  if (match.uri && !matches(match.uri, ask.path, match.ignoreUriCase)) return false;
  if (match.method && !matches(match.method, ask.method)) return false;
  const parameters = new URLSearchParams(ask.query);
  return (
    Object.entries(match.headers ?? {}).every(([name, wanted]) => {
      const value = ask.headers[name];
      return value !== undefined && matches(wanted as StringMatch, value);
    }) &&
    Object.entries(match.withoutHeaders ?? {}).every(
      ([name, wanted]) =>
        !(name in ask.headers) || !matches(wanted as StringMatch, ask.headers[name] ?? ""),
    ) &&
    Object.entries(match.queryParams ?? {}).every(([name, wanted]) => {
      const value = parameters.get(name);
      return value !== null && matches(wanted as StringMatch, value);
    })
  );
}

function matches(wanted: StringMatch, value: string, anyCase = false): boolean {
  const fold = (text: string) => (anyCase ? text.toLowerCase() : text);
  if (wanted.exact !== undefined) return fold(value) === fold(wanted.exact);
  if (wanted.prefix !== undefined) return fold(value).startsWith(fold(wanted.prefix));
  return wanted.regex === undefined || new RegExp(`^(?:${wanted.regex})$`).test(value);
}

/** The rules of the older object come first, but a rule for everything comes after all others. */
function merged(services: readonly (readonly HTTPRoute[])[]): readonly HTTPRoute[] {
  const all = services.flat();
  return [...all.filter(({ match }) => match), ...all.filter(({ match }) => !match)];
}

function letsIn(hosts: readonly string[], host: string): boolean {
  return hosts.some(
    (each) => each === host || (each.startsWith("*.") && host.endsWith(each.slice(1))),
  );
}

function milliseconds(duration: string | undefined): number {
  if (duration === undefined) return Infinity;
  return duration.endsWith("ms") ? Number.parseInt(duration) : Number.parseInt(duration) * 1000;
}
