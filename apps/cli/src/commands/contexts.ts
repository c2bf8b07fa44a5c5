/** `heddle context`: the planes and meshes that this machine's commands know, as kubectl has them. */
import { readFile } from "node:fs/promises";
import { Command } from "commander";
import type { SavedContext } from "../context/context.ts";
import { CliError } from "../output/cli-error.ts";
import { bold, dim, printJson, table } from "../output/print.ts";
import { withOutput } from "./options.ts";

interface SaveOptions {
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly mesh?: string;
  readonly namespace?: string;
  readonly agent?: string;
}

export function contextCommand(): Command {
  return new Command("context")
    .description("which plane, mesh and namespace commands work in: show, list, use, save, remove")
    .addCommand(showCommand(), { isDefault: true })
    .addCommand(listCommand())
    .addCommand(useCommand())
    .addCommand(saveCommand())
    .addCommand(removeCommand());
}

function showCommand(): Command {
  return withOutput(new Command("show"))
    .description("the context that commands work in; its token only with -o json")
    .argument("[name]", "another one")
    .action(async (name: string | undefined, options: { output: string }) => {
      const { currentName, readContexts, unknownContext } = await import("../context/context.ts");
      const file = await readContexts();
      const wanted = name ?? currentName(file);
      const context = wanted === undefined ? undefined : file.contexts[wanted];
      if (!context || wanted === undefined) {
        if (wanted !== undefined) throw unknownContext(wanted, file);
        throw new CliError(
          "HDL9022",
          "No context is saved.",
          "Start a plane with `heddle up`, or keep one with `heddle context save NAME --url URL --token-file FILE`.",
        );
      }
      if (options.output === "json") return printJson({ name: wanted, ...context });
      const facts = [
        ["Context", wanted],
        ["Plane", context.url],
        ["Mesh", context.mesh ?? dim("none: see `heddle mesh list`")],
        ["Namespace", context.namespace ?? "default"],
        ...(context.agent ? [["Agent", context.agent]] : []),
      ];
      const lines = facts.map(([label, value]) => `${bold(`${label}:`.padEnd(12))}${value}`);
      process.stdout.write(`${lines.join("\n")}\n`);
    });
}

function listCommand(): Command {
  return withOutput(new Command("list").alias("ls"))
    .description("every saved context")
    .action(async (options: { output: string }) => {
      const { currentName, readContexts } = await import("../context/context.ts");
      const file = await readContexts();
      const current = currentName(file);
      const all = Object.entries(file.contexts);
      if (options.output === "json")
        return printJson(
          all.map(([name, { url, mesh, namespace, agent }]) => ({
            name,
            current: name === current,
            url,
            ...(mesh ? { mesh } : {}),
            namespace: namespace ?? "default",
            ...(agent ? { agent } : {}),
          })),
        );
      const rows = all.map(([name, { url, mesh, namespace }]) => [
        name === current ? "*" : "",
        name,
        url,
        mesh ?? "-",
        namespace ?? "default",
      ]);
      process.stdout.write(`${table(["", "NAME", "PLANE", "MESH", "NAMESPACE"], rows)}\n`);
    });
}

function useCommand(): Command {
  return new Command("use")
    .description("work in this context from now on")
    .argument("<name>", "its name")
    .action(async (name: string) => {
      const { readContexts, unknownContext, writeContexts } = await import("../context/context.ts");
      const file = await readContexts();
      if (!file.contexts[name]) throw unknownContext(name, file);
      await writeContexts({ ...file, current: name });
      process.stdout.write(`context ${name}\n`);
    });
}

function saveCommand(): Command {
  return new Command("save")
    .description("keep a plane, or change what is kept, and work in it from now on")
    .argument("<name>", "what to call it")
    .option("--url <url>", "the plane's address")
    .option("--token <token>", "a token of the plane's")
    .option("--token-file <file>", "a file that holds the token, such as `heddle server` names")
    .option("-m, --mesh <mesh>", "the mesh")
    .option("-n, --namespace <namespace>", "the namespace of objects that name none")
    .option("--agent <url>", "the debug address of an agent on this machine")
    .action(async (name: string, options: SaveOptions) => {
      const { readContexts, saveContext } = await import("../context/context.ts");
      const earlier = (await readContexts()).contexts[name];
      const { token: given, tokenFile, ...rest } = options;
      const token = tokenFile === undefined ? given : await tokenIn(tokenFile);
      const context: Partial<SavedContext> = { ...earlier, ...rest, ...(token ? { token } : {}) };
      if (!isWhole(context)) {
        throw new CliError(
          "HDL9022",
          `Context ${name} needs a plane's address and a token.`,
          "Give --url, and --token-file or --token.",
          2,
        );
      }
      await saveContext(name, context);
      process.stdout.write(`context ${name}: ${context.url}, mesh ${context.mesh ?? "none yet"}\n`);
    });
}

function isWhole(context: Partial<SavedContext>): context is SavedContext {
  return Boolean(context.url && context.token);
}

async function tokenIn(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new CliError(
      "HDL9030",
      `The token cannot be read from ${file}: ${(error as Error).message}`,
      "Check the path given with --token-file; `heddle server` prints it.",
      2,
    );
  });
  return text.trim();
}

function removeCommand(): Command {
  return new Command("remove")
    .description("forget a context and its token; the plane keeps both mesh and token")
    .argument("<name>", "its name")
    .action(async (name: string) => {
      const { readContexts, unknownContext, writeContexts } = await import("../context/context.ts");
      const file = await readContexts();
      if (!file.contexts[name]) throw unknownContext(name, file);
      const { [name]: _, ...contexts } = file.contexts;
      const { current } = file;
      await writeContexts({
        contexts,
        ...(current === undefined || current === name ? {} : { current }),
      });
      process.stdout.write(`context ${name} removed\n`);
    });
}
