/** Who answers for a service while it cannot, in the intermediate form. */
import {
  byAge,
  type Fallback as Declared,
  type FallbackResponse,
  type MeshObject,
  resolveHost,
} from "@heddle/model";
import type { ModelReader } from "../read.ts";
import type { Destination } from "./rule-set.ts";

export interface Fallback {
  /** `namespace/name`. */
  readonly name: string;
  readonly subset: string | undefined;
  readonly routes: readonly string[];
  readonly after: string;
  /** Answers that count as failures. */
  readonly statuses: readonly number[];
  readonly destination: Destination | undefined;
  readonly response: FallbackResponse | undefined;
}

const AFTER = "500ms";
/** What proxies answer for those behind them, too. */
const FAILURES = [502, 503, 504];

/** Of a host as clients of a scope see it; the first that is for a request decides, see `isFor`. */
export function fallbacksOf(read: ModelReader, host: string, scope: string): readonly Fallback[] {
  const declared = read.fallbacks(host);
  if (declared.length === 0) return NONE;
  const own = read.service(host, scope)?.namespace;
  const { rootNamespace, clusterDomain } = read.mesh;
  return declared
    .filter(({ metadata: { namespace } }) => namespace === own || namespace === rootNamespace)
    .toSorted((a, b) => byNarrowness(a.spec, b.spec) || byHome(a, b, own) || byAge(a, b))
    .map(({ metadata, spec }) => formOf(spec, metadata, clusterDomain));
}

export function isFor(
  { subset: of, routes }: Fallback,
  subset: string,
  routeName: string | undefined,
): boolean {
  if (of !== undefined && of !== subset) return false;
  return routes.length === 0 || (routeName !== undefined && routes.includes(routeName));
}

const NONE: readonly never[] = [];

function formOf(
  { subset, routes = [], after = AFTER, statuses = [], destination, response }: Declared,
  { namespace, name }: MeshObject["metadata"],
  clusterDomain: string,
): Fallback {
  return {
    name: `${namespace}/${name}`,
    subset: subset || undefined,
    routes,
    after,
    statuses: [...new Set([...FAILURES, ...statuses])].toSorted((a, b) => a - b),
    destination: destination && {
      host: resolveHost(destination.host, namespace, clusterDomain),
      ...(destination.port?.number ? { port: destination.port.number } : {}),
      ...(destination.subset ? { subset: destination.subset } : {}),
    },
    response,
  };
}

function byNarrowness(a: Declared, b: Declared): number {
  const rank = ({ routes = [], subset }: Declared) =>
    (routes.length > 0 ? 0 : 2) + (subset ? 0 : 1);
  return rank(a) - rank(b);
}

/** The service's own before the mesh's. */
function byHome(a: MeshObject, b: MeshObject, own: string | undefined): number {
  return Number(a.metadata.namespace !== own) - Number(b.metadata.namespace !== own);
}
