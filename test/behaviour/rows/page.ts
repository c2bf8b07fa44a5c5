/** The pages of docs/coverage. */
import { kinds } from "@heddle/model";
import type { Coverage, CoveredField } from "./coverage.ts";
import { provenKinds } from "./kinds.ts";

export const GENERATED =
  "<!-- Made from test/behaviour by `node test/behaviour/rows/main.ts`. Do not edit. -->";

/** `since` of each field, read back from a page that was made before. */
export function sinceIn(page: string): ReadonlyMap<string, string> {
  return new Map(
    [...page.matchAll(/^\| `([^`]+)` \| [^|]* \| ([^| ]+) \|/gm)].map(
      ([, field = "", since = ""]) => [field, since],
    ),
  );
}

/** @param version stands at fields that work and did not before. */
export function pageOf(
  { kind, fields }: Coverage["kinds"][number],
  before: string,
  version: string,
): string {
  const since = sinceIn(before);
  const line = (covered: CoveredField) =>
    `| \`${covered.field}\` | ${stateOf(covered)} | ${
      covered.state === "works" ? (since.get(covered.field) ?? version) : ""
    } | ${proofOf(covered)} |`;
  return `${GENERATED}

# ${kind.kind.kind}, ${kind.kind.group}

What each field does here, and the test that shows it: requests through real Envoys. [How to read this](README.md).

| field | | since | shown by |
|---|---|---|---|
${fields.map(line).join("\n")}
`;
}

/** The page that leads to the others. */
export function indexPage(): string {
  const proven = provenKinds.map(
    ({ kind, slug }) => `| [${kind.kind}](${slug}.md) | ${kind.group} |`,
  );
  const planned = kinds
    .filter(({ feature }) => feature === "planned")
    .map(({ kind, group }) => `| ${kind} | ${group} |`);
  return `${GENERATED}

# Coverage

Every field of every kind that Heddle translates, as its schema has it, and what becomes of it:

- **works**: the test that is linked sends requests through real Envoys and sees what the field promises.
- **refused**: an object with this field is an error that names the field, or is not accepted as the Gateway API has it: [HDL0016](../codes/HDL0016.md), or what the linked test says.
- **warned**: the field is accepted without effect, and a warning says so: [HDL0016](../codes/HDL0016.md), or what the linked test says.
- **of no effect in Istio either**: Istio has the field and reads it nowhere; a warning says so.
- **no waypoints here**: it is for waypoints, Istio's proxies without sidecars, of which there are none; a warning says so.
- **in effect from a proxy's start**: it is in what \`heddle xds --bootstrap\` prints, or \`heddle inject\` puts into a pod, and the linked test starts an Envoy on that or looks into the pod; a proxy that runs is not changed.
- **collected by the agent**: the field names where telemetry is sent to; it is collected by the agent, whatever the name, and an Info says so.
- **unproven**: translated, but no test shows it yet.

\`[]\` stands for every item of a list, \`{}\` for every value of a map, \`=VALUE\` for one value of a field that has few. A
shape that stands in several places, such as a traffic policy, is spelled out once.

What a pod may say of its proxy has [a page of its own](injection.md), and so have [attacks](attacks.md) that were tried.

| kind | group |
|---|---|
${proven.join("\n")}

${planned.length === 0 ? "" : `Refused as a whole, until a release translates them:\n\n| kind | group |\n|---|---|\n${planned.join("\n")}\n`}`;
}

function stateOf({ state, partly, reason }: CoveredField): string {
  if (reason !== undefined && state === "no traffic") return `no traffic: ${reason}`;
  return [state, ...partly.map((each) => `some values ${each}`)].join("; ");
}

function proofOf({ rows }: CoveredField): string {
  return rows
    .map(({ title, file }) => `[${title.replace(/[|[\]]/g, String.raw`\$&`)}](../../${file})`)
    .join("; ");
}
