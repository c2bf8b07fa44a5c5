/** Options that several commands share, and how their values are read. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ContextFlags } from "../context/context.ts";

/** What a command is given that asks a plane (`withPlane`) and prints what it says (`withOutput`). */
export interface PlaneOptions extends ContextFlags {
  readonly output: string;
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError("A port is a whole number from 0 to 65535.");
  }
  return port;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0)
    throw new InvalidArgumentError("Give a whole number from 0 on.");
  return count;
}

/** Collects the values of an option that may be given more than once. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

/** Adds the options by which a command finds its plane. */
export function withPlaneAlone(command: Command): Command {
  return command
    .option("--context <name>", "a saved context (HEDDLE_CONTEXT)")
    .option("--url <url>", "the plane's address (HEDDLE_URL)")
    .option("--token <token>", "a token of the plane's (HEDDLE_TOKEN)");
}

/** Adds the options by which a command finds its plane, its mesh and its namespace. */
export function withPlane(command: Command): Command {
  return withPlaneAlone(command)
    .option("-m, --mesh <mesh>", "the mesh (HEDDLE_MESH)")
    .option("-n, --namespace <namespace>", "the namespace of objects that name none");
}

/** How long something lasts, in whole seconds: `30m`, `24h`, `90d`. */
export function parseSeconds(text: string): number {
  const [, count = "", unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? Number.NaN);
  if (!(seconds > 0)) throw new InvalidArgumentError("Give a duration such as 30m, 24h or 90d.");
  return seconds;
}

export function withOutput(
  command: Command,
  formats: readonly string[] = ["table", "json"],
): Command {
  return command.addOption(
    new Option("-o, --output <format>", "how to print").choices(formats).default(formats[0]),
  );
}
