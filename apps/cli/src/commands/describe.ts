/** `heddle describe`: one object, who owns it, what is wrong with it, and what it became at the proxies that have it. */
import {
  type AgentEffect,
  type ApiDiagnostic,
  HeddleApiError,
  type ObjectEffect,
  type StoredObject,
} from "@heddle/client";
import { Command } from "commander";
import { formatFindings } from "../output/diagnostics.ts";
import { bold, dim, green, printJson, red, yellow } from "../output/print.ts";
import { refusalText } from "../output/refusal.ts";
import { keysOf } from "./kind-names.ts";
import { type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

/** Resources named on the terminal for one group of proxies; -o json has more. */
const MOST_LINES = 12;

export function describeCommand(): Command {
  return withOutput(withPlane(new Command("describe")), ["text", "json"])
    .description(
      "one object: its owner, what is wrong with it, and what it became at which proxies",
    )
    .argument("<kind>", "a kind, such as virtualservice or vs")
    .argument("<name>", "its name")
    .action(async (kind: string, name: string, options: PlaneOptions) => {
      const { client, context } = await openPlane(options);
      const [key] = (await keysOf(kind, [name], context.namespace)) as [string];
      const [object, effect] = await Promise.all([
        client.getObject(context.mesh, key).catch(absent),
        client.objectEffect(context.mesh, key),
      ]);
      const owned = effect.agents.find(({ owner }) => owner === "cluster");
      if (object instanceof HeddleApiError && !owned) throw object;
      const stored = object instanceof HeddleApiError ? undefined : object;
      if (options.output === "json") return printJson({ object: stored ?? null, effect });
      await showObject(key, stored, owned, stored?.diagnostics ?? effect.diagnostics);
      showEffect(effect);
    });
}

/** What the plane does not hold may live in a cluster. */
function absent(error: unknown): HeddleApiError {
  if (error instanceof HeddleApiError && error.code === "HDL1021") return error;
  throw error;
}

async function showObject(
  key: string,
  object: StoredObject | undefined,
  owned: AgentEffect | undefined,
  found: readonly ApiDiagnostic[],
): Promise<void> {
  const { stringify } = await import("yaml");
  const [, kind = "", namespace = "-", name = ""] = key.split("/");
  const facts = [
    [kind, namespace === "-" ? name : `${namespace}/${name}`],
    ["Owner", owned ? `cluster of agent ${owned.agent}` : (object?.owner ?? "")],
    ...(owned?.source ? [["Source", owned.source]] : []),
    ...(object && !owned
      ? [
          ["Revision", String(object.revision)],
          ["Hash", object.hash],
        ]
      : []),
  ];
  const text = facts.map(([label, value]) => `${bold(`${label}:`.padEnd(18))}${value}`).join("\n");
  process.stdout.write(`${text}\n\n`);
  const spec = owned?.document?.["spec"] ?? object?.spec;
  if (spec !== undefined)
    process.stdout.write(`${stringify(spec, { aliasDuplicateObjects: false })}\n`);
  process.stdout.write(
    found.length > 0 ? `${formatFindings(found)}\n` : `${green("✔")} nothing found wrong\n`,
  );
}

function showEffect({ agents, silent }: ObjectEffect): void {
  for (const effect of agents) {
    const { agent, proxies, groups, held, refusals } = effect;
    const word = proxies === 1 ? "proxy has" : "proxies have";
    process.stdout.write(`\n${bold(`At agent ${agent}:`)} ${proxies || "no"} ${word} it\n`);
    if (held)
      process.stdout.write(
        `${yellow("held")} proxies refuse what it is now: what it was before is in force\n`,
      );
    for (const group of groups) showGroup(group);
    for (const { proxy, type, ...refused } of refusals)
      process.stdout.write(`${refusalText(proxy, type, { ...refused, objects: [], held })}\n`);
  }
  if (agents.length === 0)
    process.stdout.write(dim("\nNo agent is connected that could tell more.\n"));
  for (const agent of silent)
    process.stdout.write(`${yellow("agent")} ${agent} did not answer in time\n`);
}

const STATES = { accepted: green, waiting: yellow, refused: red };

function showGroup({
  proxies,
  allProxies,
  resources,
  allResources,
}: AgentEffect["groups"][number]) {
  const names = proxies.map(({ name, state }) =>
    state === "accepted" ? name : `${name} ${STATES[state](state)}`,
  );
  const more = allProxies - proxies.length;
  process.stdout.write(`  ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}\n`);
  for (const { type, name } of resources.slice(0, MOST_LINES))
    process.stdout.write(`    ${dim(type)} ${name}\n`);
  const rest = allResources - Math.min(resources.length, MOST_LINES);
  if (rest > 0) process.stdout.write(dim(`    and ${rest} more resources\n`));
}
