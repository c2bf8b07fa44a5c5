/** `heddle mesh`: the meshes of a plane, how agents join one, and its settings. */
import type { MeshInfo } from "@heddle/client";
import { Command, InvalidArgumentError } from "commander";
import type { ContextFlags } from "../context/context.ts";
import { age, dim, printJson, table } from "../output/print.ts";
import { meshAgentsCommand } from "./mesh-agents.ts";
import { getMeshCommand, setMeshCommand } from "./mesh-settings.ts";
import {
  parseSeconds,
  type PlaneOptions,
  withOutput,
  withPlane,
  withPlaneAlone,
} from "./options.ts";
import { openPlane, openPlaneAlone } from "./plane.ts";

export function meshCommand(): Command {
  return new Command("mesh")
    .description("meshes: make one, let agents join it, see and change its settings")
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(joinTokenCommand())
    .addCommand(meshAgentsCommand())
    .addCommand(getMeshCommand())
    .addCommand(setMeshCommand());
}

function createCommand(): Command {
  return withOutput(withPlaneAlone(new Command("create")))
    .description("make a mesh, with keys of its own")
    .argument("<name>", "lower case letters, digits and dashes")
    .option("--trust-domain <domain>", "of its identities; NAME.mesh.internal without it")
    .action(async (name: string, options: PlaneOptions & { trustDomain?: string }) => {
      const { client } = await openPlaneAlone(options);
      const mesh = await client.createMesh({
        name,
        ...(options.trustDomain ? { trustDomain: options.trustDomain } : {}),
      });
      const { adoptMesh } = await import("../context/context.ts");
      const context = await adoptMesh(options, mesh.name);
      if (options.output === "json") return printJson(mesh);
      process.stdout.write(`mesh ${mesh.name} created, trust domain ${mesh.trustDomain}\n`);
      const next = context
        ? `context ${context} works in it from now on; let an agent join with \`heddle mesh join-token\``
        : `work in it with --mesh ${mesh.name}; let an agent join with \`heddle mesh join-token --mesh ${mesh.name}\``;
      process.stderr.write(dim(`  → ${next}\n`));
    });
}

function listCommand(): Command {
  return withOutput(withPlaneAlone(new Command("list").alias("ls")))
    .description("the meshes that the token opens")
    .action(async (options: PlaneOptions) => {
      const { client, context } = await openPlaneAlone(options);
      const meshes: MeshInfo[] = [];
      for await (const mesh of client.allMeshes()) meshes.push(mesh);
      if (options.output === "json") return printJson(meshes);
      if (meshes.length === 0) {
        process.stderr.write("No meshes yet. Make one with `heddle mesh create NAME`.\n");
        return;
      }
      const rows = meshes.map((mesh) => [
        mesh.name === context.mesh ? "*" : "",
        mesh.name,
        mesh.trustDomain,
        String(mesh.revision),
        mesh.convergence.state,
        age(Date.now() - Date.parse(mesh.createdAt)),
      ]);
      process.stdout.write(
        `${table(["", "NAME", "TRUST DOMAIN", "REVISION", "STATE", "AGE"], rows)}\n`,
      );
    });
}

function joinTokenCommand(): Command {
  return withOutput(withPlane(new Command("join-token")))
    .description("make a one-time token with which an agent joins the mesh; prints it alone")
    .option("--name <name>", "what it is for, as the plane keeps it", "agent")
    .option("--expires <duration>", "how long it is good, such as 30m, 24h or 7d", parseSeconds)
    .option(
      "--namespaces <names>",
      "the agent gets certificates for workloads of these alone, by commas; no intermediate then",
      parseNames,
    )
    .action(async (options: JoinTokenOptions) => {
      const { client, context } = await openPlane(options);
      const made = await client.createJoinToken(context.mesh, {
        name: options.name,
        ...(options.namespaces ? { namespaces: options.namespaces } : {}),
        ...(options.expires === undefined ? {} : { expiresInSeconds: options.expires }),
      });
      if (options.output === "json") return printJson(made);
      process.stdout.write(`${made.token}\n`);
      process.stderr.write(
        dim(
          `  → good once, until ${made.expiresAt}: heddle agent --plane ${context.url} --token TOKEN --xds 127.0.0.1:15010\n`,
        ),
      );
    });
}

type JoinTokenOptions = ContextFlags & {
  output: string;
  name: string;
  expires?: number;
  namespaces?: string[];
};

function parseNames(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) throw new InvalidArgumentError("Give names of namespaces, by commas.");
  return names;
}
