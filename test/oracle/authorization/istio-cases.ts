/** Istio's own cases of authorization: policies, the filters that Istio makes of them, and random requests to ask both about. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { type AuthorizationPolicy, type MeshObject, parseDocuments } from "@heddle/model";
import { parse, stringify } from "yaml";
import { readMeshConfig } from "../../../apps/cli/src/offline/mesh-config.ts";
import type { AnyFilter } from "./evaluate.ts";
import type { Question } from "./question.ts";
import { type Pools, poolsOf, question, randomFrom } from "./questions.ts";

const folder = path.join(
  process.env["HEDDLE_CONFORMANCE"] ??
    path.join(import.meta.dirname, "../../../../shared/conformance"),
  "istio-authz",
);
export const there = existsSync(folder);
if (!there) console.warn(`skipped: Istio's cases of authorization are not at ${folder}`);

export interface Case {
  readonly name: string;
  readonly kind: "http" | "tcp";
  readonly input: string;
  readonly want: readonly string[];
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
  readonly extensionProvider: object | null;
  readonly workload: {
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
}

/** Each case is asked so many random requests. */
export const REQUESTS = 5000;

export const cases = there
  ? (JSON.parse(readFileSync(path.join(folder, "cases.json"), "utf8")) as Case[])
  : [];

const read = ({ kind }: Case, file: string) => readFileSync(path.join(folder, kind, file), "utf8");

export const inputOf = (each: Case) => read(each, each.input);

export const wantedOf = (each: Case) =>
  each.want.map((file) => parse(read(each, file)) as AnyFilter);

export function policiesOf(each: Case): readonly MeshObject<AuthorizationPolicy>[] {
  const { objects } = parseDocuments(inputOf(each), {
    file: each.input,
    defaultNamespace: "default",
  });
  return objects.map(({ object }) => object as MeshObject<AuthorizationPolicy>);
}

export function poolsFor(each: Case): Pools {
  return poolsOf(
    policiesOf(each).map(({ spec }) => spec),
    {
      trustDomains: [each.trustDomain, ...each.trustDomainAliases, "cluster.local"],
      namespace: each.workload.namespace,
    },
  );
}

export function meshConfigOf({ trustDomain, trustDomainAliases, extensionProvider }: Case) {
  return readMeshConfig({
    name: "mesh.yaml",
    content: stringify({
      trustDomain,
      trustDomainAliases,
      ...(extensionProvider ? { extensionProviders: [extensionProvider] } : {}),
    }),
  });
}

export function* questions(name: string, pools: Pools): Generator<Question> {
  const random = randomFrom([...name].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7));
  for (let i = 0; i < REQUESTS; i++) yield question(pools, random);
}
