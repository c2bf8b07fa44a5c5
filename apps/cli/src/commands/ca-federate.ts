/** `heddle ca federate`: other trust domains whose identities the mesh takes. */
import { readFile } from "node:fs/promises";
import type { FederationInfo, FederationList, NewFederation } from "@heddle/client";
import { Command } from "commander";
import { CliError } from "../output/cli-error.ts";
import { cliCodes } from "../output/codes.ts";
import { age, dim, green, printJson, red, table, yellow } from "../output/print.ts";
import { type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

interface Sources {
  readonly withMesh?: string;
  readonly endpoint?: string;
  readonly endpointSpiffeId?: string;
  readonly bundle?: string;
}

export function federateCommand(): Command {
  return withOutput(withPlane(new Command("federate")))
    .description("take identities of another trust domain, as far as its own roots vouch for them")
    .argument("<trust domain>", "the other one's, such as partner.example")
    .option("--with-mesh <id>", "a mesh of this plane, which has to say the same of this one")
    .option("--endpoint <url>", "a SPIFFE bundle endpoint, which agents ask")
    .option(
      "--endpoint-spiffe-id <id>",
      "of the endpoint's server, where it has a certificate of the trust domain (https_spiffe); needs --bundle",
    )
    .option(
      "--bundle <file>",
      "the trust domain's roots, in PEM or as a SPIFFE document; with --endpoint-spiffe-id those that the endpoint is known by at first",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  heddle ca federate partner.example --with-mesh 5f0c…\n  heddle ca federate partner.example --endpoint https://plane.partner.example/v1/bundles/7a1e…\n  heddle ca federate partner.example --endpoint https://spire.partner.example:8443 \\\n    --endpoint-spiffe-id spiffe://partner.example/spire/server --bundle partner.pem\n  heddle ca federate partner.example --bundle partner.pem",
    )
    .action(async (trustDomain: string, options: PlaneOptions & Sources) => {
      const source = await sourceOf(options);
      const { client, context } = await openPlane(options);
      const made = await client.federate(context.mesh, trustDomain, source);
      if (options.output === "json") return printJson(made);
      process.stdout.write(`federated with ${trustDomain}: ${STATES[made.state]}\n`);
      if (source.kind !== "mesh" || made.state !== "waiting") return;
      const { trustDomain: own, mesh } = await client.federations(context.mesh);
      process.stderr.write(
        dim(
          `  → the other mesh has to say so too: heddle ca federate ${own} --with-mesh ${mesh}\n`,
        ),
      );
    });
}

async function sourceOf(options: Sources): Promise<NewFederation> {
  const { withMesh: mesh, endpoint: url, endpointSpiffeId, bundle: file } = options;
  if (mesh !== undefined) {
    if (url !== undefined || file !== undefined)
      throw refusal("A mesh of the plane brings its own bundle: no other place is asked.");
    return { kind: "mesh", mesh };
  }
  const bundle = file === undefined ? undefined : await rootsIn(file);
  if (url === undefined) {
    if (endpointSpiffeId !== undefined)
      throw refusal("There is a server's SPIFFE id, and no --endpoint.");
    if (bundle === undefined) throw refusal("No place is named.");
    return { kind: "bundle", bundle };
  }
  const endpoint = { kind: "endpoint", url } as const;
  if (endpointSpiffeId === undefined && bundle === undefined)
    return { ...endpoint, profile: "https_web" };
  if (endpointSpiffeId === undefined || bundle === undefined)
    throw refusal(
      "A server with a certificate of the trust domain needs both its id and --bundle.",
    );
  return { ...endpoint, profile: "https_spiffe", endpointSpiffeId, bootstrap: bundle };
}

function rootsIn(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: unknown) => {
    throw refusal(`${file} cannot be read: ${String(error)}.`);
  });
}

const refusal = (message: string) => new CliError("HDL9119", message, cliCodes.HDL9119.remedy);

export function unfederateCommand(): Command {
  return withOutput(withPlane(new Command("unfederate")))
    .description("refuse identities of another trust domain again, within seconds")
    .argument("<trust domain>", "as `heddle ca federations` has it")
    .action(async (trustDomain: string, options: PlaneOptions) => {
      const { client, context } = await openPlane(options);
      await client.unfederate(context.mesh, trustDomain);
      if (options.output === "json") return printJson({ unfederated: trustDomain });
      process.stdout.write(`no longer federated with ${trustDomain}\n`);
    });
}

export function federationsCommand(): Command {
  return withOutput(withPlane(new Command("federations")))
    .description("trust domains that the mesh federates with, their roots, and what is wrong")
    .action(async (options: PlaneOptions) => {
      const { client, context } = await openPlane(options);
      const list = await client.federations(context.mesh);
      if (options.output === "json") return printJson(list);
      print(list, context.url);
    });
}

const STATES = {
  inForce: green("in force"),
  waiting: yellow("waiting"),
  failing: red("failing"),
} as const satisfies Record<FederationInfo["state"], string>;

function print({ trustDomain, mesh, endpoint, items }: FederationList, plane: string): void {
  process.stdout.write(`trust domain ${trustDomain}, mesh ${mesh}\n`);
  process.stdout.write(`bundle endpoint ${plane}${endpoint}\n`);
  const rows = items.map((each) => [
    ...[STATES[each.state], each.trustDomain, placeOf(each.source)],
    ...[String(each.sequence ?? "-"), fetched(each), ends(each)],
  ]);
  const titles = ["STATE", "TRUST DOMAIN", "FROM", "SEQUENCE", "FETCHED", "ROOTS END"];
  if (rows.length > 0) process.stdout.write(`${table(titles, rows)}\n`);
  for (const { trustDomain: other, agents } of items)
    for (const { agent, error } of agents)
      if (error !== undefined) process.stdout.write(`${other} at ${agent}: ${red(error)}\n`);
}

function placeOf(source: FederationInfo["source"]): string {
  if (source.kind === "mesh") return `mesh ${source.mesh}`;
  return source.kind === "bundle" ? "a given bundle" : source.url;
}

/** By the agent that was answered longest ago. */
function fetched({ agents }: FederationInfo): string {
  const times = agents.flatMap(({ fetchedAt }) => (fetchedAt ? [Date.parse(fetchedAt)] : []));
  return times.length > 0 ? `${age(Date.now() - Math.min(...times))} ago` : "-";
}

function ends({ roots }: FederationInfo): string {
  const colors = { ok: (text: string) => text, warning: yellow, critical: red, expired: red };
  return roots.map(({ notAfter, level }) => colors[level](notAfter.slice(0, 10))).join(", ") || "-";
}
