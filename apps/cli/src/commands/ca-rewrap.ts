/** `heddle ca rewrap`: private keys sealed anew, after the envelope key is another one or has a new version. */
import { Command } from "commander";
import { printJson } from "../output/print.ts";
import { type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

export function rewrapCommand(): Command {
  return withOutput(withPlane(new Command("rewrap")))
    .description("seal the mesh's private keys anew, under the newest version of the envelope key")
    .option("--all-meshes", "of every mesh that the token opens")
    .addHelpText(
      "after",
      "\nOnce every mesh of the plane is done, a former envelope key, or former versions of a key service's key, can go.\n\nExamples:\n  heddle ca rewrap\n  heddle ca rewrap --all-meshes",
    )
    .action(async (options: PlaneOptions & { allMeshes?: boolean }) => {
      const { client, context } = await openPlane(options);
      const meshes = options.allMeshes ? await everyMesh() : [context.mesh];
      const done = [];
      for (const mesh of meshes) {
        const rewrapped = { mesh, ...(await client.rewrapKeys(mesh)) };
        done.push(rewrapped);
        if (options.output !== "json")
          process.stdout.write(
            `mesh ${mesh}: ${rewrapped.keys} keys sealed anew under ${rewrapped.envelope}\n`,
          );
      }
      if (options.output === "json") printJson(done);

      async function everyMesh(): Promise<string[]> {
        const names: string[] = [];
        for await (const { name } of client.allMeshes()) names.push(name);
        return names;
      }
    });
}
