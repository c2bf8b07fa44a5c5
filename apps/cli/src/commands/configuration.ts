/** `heddle apply`, `diff`, `delete`, `get`: configuration, as kubectl has it. */
import type { StoredObject } from "@heddle/client";
import { Command } from "commander";
import type { ContextFlags } from "../context/context.ts";
import { showResult } from "../output/apply-result.ts";
import { CliError } from "../output/cli-error.ts";
import { formatFindings } from "../output/diagnostics.ts";
import { printJson, table, yellow } from "../output/print.ts";
import { readInput } from "./input.ts";
import { describeCommand } from "./describe.ts";
import { keysOf, kindNamed } from "./kind-names.ts";
import { collect, type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

interface WriteOptions extends ContextFlags {
  readonly filename: string[];
  readonly output: string;
  readonly dryRun?: boolean;
  readonly strict?: boolean;
  readonly force?: boolean;
  readonly message?: string;
}

export function configurationCommands(): Command[] {
  return [applyCommand(), diffCommand(), deleteCommand(), getCommand(), describeCommand()];
}

function fileOption(command: Command): Command {
  return command.option(
    "-f, --filename <file>",
    "a file, a folder, or - for standard input; may be repeated",
    collect,
    [],
  );
}

function applyCommand(): Command {
  return withOutput(withPlane(fileOption(new Command("apply"))))
    .description("create or change objects, all in one atomic revision")
    .option("--dry-run", "analyse only, change nothing")
    .option("--strict", "refuse references to what is not there")
    .option("--force", "settle conflicts by Istio's order and keep a warning")
    .option("--message <text>", "why, kept with the revision")
    .action(async (options: WriteOptions) => {
      const { client, context } = await openPlane(options);
      const files = await input(options);
      const result = await client.apply(context.mesh, {
        files,
        namespace: context.namespace,
        ...(options.dryRun ? { dryRun: true } : {}),
        ...(options.strict ? { strict: true } : {}),
        ...(options.force ? { force: true } : {}),
        ...(options.message ? { message: options.message } : {}),
      });
      showResult(result, options.output);
    });
}

function diffCommand(): Command {
  return withOutput(withPlane(fileOption(new Command("diff"))))
    .description("show what apply would change; exits 1 where it would change something")
    .action(async (options: WriteOptions) => {
      const { client, context } = await openPlane(options);
      const files = await input(options);
      const result = await client.apply(context.mesh, {
        files,
        namespace: context.namespace,
        dryRun: true,
      });
      const changed = result.changes.filter((change) => change.action !== "unchanged");
      if (options.output === "json") printJson(result);
      else {
        const { unifiedDiff } = await import("../output/unified-diff.ts");
        for (const change of changed) {
          process.stdout.write(unifiedDiff(change.key, change.before ?? "", change.after ?? ""));
        }
        if (result.diagnostics.length > 0)
          process.stderr.write(`${formatFindings(result.diagnostics)}\n`);
      }
      process.exitCode = changed.length > 0 ? 1 : 0;
    });
}

function deleteCommand(): Command {
  return withOutput(withPlane(fileOption(new Command("delete"))))
    .description("delete objects, all in one atomic revision")
    .argument("[kind]", "a kind, such as virtualservice or vs")
    .argument("[names...]", "names of objects of that kind")
    .option("--dry-run", "analyse only, change nothing")
    .option("--message <text>", "why, kept with the revision")
    .action(async (kind: string | undefined, names: string[], options: WriteOptions) => {
      if (kind && options.filename.length > 0) {
        throw new CliError(
          "HDL9038",
          `Both ${[kind, ...names].join(" ")} and -f say what to delete.`,
          "Give one of the two: `heddle delete KIND NAME…` or `heddle delete -f FILE…`.",
          2,
        );
      }
      const { client, context } = await openPlane(options);
      const keys = kind
        ? await keysOf(kind, names, context.namespace)
        : await keysInFiles(options, context.namespace);
      const result = await client.apply(context.mesh, {
        delete: keys,
        ...(options.dryRun ? { dryRun: true } : {}),
        ...(options.message ? { message: options.message } : {}),
      });
      showResult(result, options.output);
    });
}

function getCommand(): Command {
  return withOutput(withPlane(new Command("get")), ["table", "json", "yaml"])
    .description("list objects, or show some")
    .argument("[kind]", "a kind, such as virtualservice, vs or gateways; all kinds without it")
    .argument("[names...]", "names")
    .option("-A, --all-namespaces", "in every namespace")
    .action(
      async (
        kind: string | undefined,
        names: string[],
        options: PlaneOptions & { allNamespaces?: boolean },
      ) => {
        const { client, context } = await openPlane(options);
        const wanted = kind && kind !== "all" ? await kindNamed(kind) : undefined;
        const objects: StoredObject[] = [];
        const filter = {
          ...(wanted ? { kind: wanted.kind } : {}),
          ...(options.allNamespaces ? {} : { namespace: context.namespace }),
        };
        for await (const object of client.listObjects(context.mesh, filter)) {
          if (names.length === 0 || names.includes(object.metadata.name)) objects.push(object);
        }
        const missing = names.filter((name) => !objects.some((o) => o.metadata.name === name));
        await showObjects(objects, options.output);
        if (missing.length > 0) {
          throw new CliError(
            "HDL9032",
            `${wanted?.kind ?? "object"} ${missing.join(", ")} not found in namespace ${context.namespace}.`,
            "List what there is with `heddle get -A`.",
          );
        }
      },
    );
}

async function input(options: WriteOptions): Promise<{ name: string; content: string }[]> {
  if (options.filename.length === 0) {
    throw new CliError(
      "HDL9033",
      "There is nothing to read.",
      "Name files with -f, or - for standard input.",
      2,
    );
  }
  return readInput(options.filename);
}

/** Keys of all objects in the files. HDL9036 where a document has an error: half of a deletion is worse than none. */
async function keysInFiles(options: WriteOptions, namespace: string): Promise<string[]> {
  const [{ objectKey }, { loadFiles }] = await Promise.all([
    import("@heddle/model"),
    import("../offline/load.ts"),
  ]);
  const { objects, diagnostics } = loadFiles(await input(options), namespace);
  const errors = diagnostics.filter(({ level }) => level === "Error");
  if (errors.length > 0 || objects.length === 0) {
    throw new CliError(
      "HDL9036",
      errors.length > 0
        ? `Nothing is deleted: the files have errors.\n${formatFindings(errors)}`
        : "The files hold no object.",
      "Mend the files and try again, or delete by kind and name.",
    );
  }
  return objects.map(({ object }) => objectKey(object));
}

async function showObjects(objects: readonly StoredObject[], output: string): Promise<void> {
  if (output === "table") {
    if (objects.length === 0) process.stderr.write("No objects found.\n");
    else {
      const rows = objects.map((o) => [
        o.kind,
        o.metadata.namespace,
        o.metadata.name,
        o.owner,
        String(o.revision),
        o.diagnostics.length > 0 ? yellow(`${o.diagnostics.length} found`) : "ok",
      ]);
      process.stdout.write(
        `${table(["KIND", "NAMESPACE", "NAME", "OWNER", "REVISION", "STATE"], rows)}\n`,
      );
    }
    return;
  }
  const documents = objects.map(({ apiVersion, kind, metadata, spec }) => ({
    apiVersion,
    kind,
    metadata,
    spec,
  }));
  if (output === "json") return printJson(documents.length === 1 ? documents[0] : documents);
  const { stringify } = await import("yaml");
  process.stdout.write(
    documents.map((d) => stringify(d, { aliasDuplicateObjects: false })).join("---\n"),
  );
}
