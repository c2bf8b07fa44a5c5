/** `heddle ca rotate`: a mesh goes from one root to another, step by step. */
import type { RotationHolder, RotationInfo } from "@heddle/client";
import { Command } from "commander";
import { CliError } from "../output/cli-error.ts";
import { cliCodes } from "../output/codes.ts";
import { age, bold, dim, green, printJson, table, yellow } from "../output/print.ts";
import { parseSeconds, type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

/** How often a rotation is looked at that is waited for, milliseconds. */
const LOOK_EVERY = 1_000;

const STEPS = {
  trusting: "1 of 3: everybody learns to trust the new root",
  reissuing: "2 of 3: all certificates are issued anew, from the new root",
  withdrawing: "3 of 3: everybody forgets the old root",
} as const;

export function rotateCommand(): Command {
  return new Command("rotate")
    .description("go to another root under traffic: begin, see who holds it up, go on, turn around")
    .addCommand(startCommand())
    .addCommand(statusCommand())
    .addCommand(advanceCommand())
    .addCommand(abortCommand());
}

function startCommand(): Command {
  return withOutput(withPlane(new Command("start")))
    .description("begin to go to a new root of the plane's own; `heddle ca import` goes to yours")
    .option("--manual", "wait after each step for `heddle ca rotate advance`")
    .action(async (options: PlaneOptions & { manual?: boolean }) => {
      const { client, context } = await openPlane(options);
      print(options, await client.startRotation(context.mesh, { automatic: !options.manual }));
    });
}

function statusCommand(): Command {
  return withOutput(withPlane(new Command("status")))
    .description("the step of the last rotation, and each proxy or agent that has not followed it")
    .option(
      "--wait <duration>",
      "until it is over, such as 10m; fails where it is not",
      parseSeconds,
    )
    .action(async (options: PlaneOptions & { wait?: number }) => {
      const { client, context } = await openPlane(options);
      const until = Date.now() + (options.wait ?? 0) * 1000;
      let rotation = await client.rotation(context.mesh);
      while (!rotation.endedAt && Date.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
        rotation = await client.rotation(context.mesh);
      }
      print(options, rotation);
      if (options.wait === undefined || rotation.endedAt) return;
      const [holder] = rotation.holders;
      const by = holder ? `, held by ${nameOf(holder)}: ${holder.reason}` : "";
      throw new CliError(
        "HDL9090",
        `The rotation is at its step ${rotation.step} still${by}.`,
        cliCodes.HDL9090.remedy,
      );
    });
}

function advanceCommand(): Command {
  return withOutput(withPlane(new Command("advance")))
    .description("go on to the next step, where everybody has followed the last one")
    .option("--force", "without those who have not: their connections may fail until they have")
    .action(async (options: PlaneOptions & { force?: boolean }) => {
      const { client, context } = await openPlane(options);
      print(options, await client.advanceRotation(context.mesh, { force: options.force ?? false }));
    });
}

function abortCommand(): Command {
  return withOutput(withPlane(new Command("abort")))
    .description("turn around: step by step back to the root that it began with")
    .action(async (options: PlaneOptions) => {
      const { client, context } = await openPlane(options);
      print(options, await client.abortRotation(context.mesh));
    });
}

function print({ output }: PlaneOptions, rotation: RotationInfo): void {
  if (output === "json") printJson(rotation);
  else printRotation(rotation);
}

export function printRotation(rotation: RotationInfo): void {
  const { state, step, automatic, steppedAt, endedAt, holders, allHolders, forced } = rotation;
  const since = age(Date.now() - Date.parse(endedAt ?? steppedAt));
  const color = state === "completed" ? green : yellow;
  const at = endedAt ? `${since} ago` : `step ${STEPS[step]}, for ${since}`;
  process.stdout.write(`${bold("rotation")} ${color(state)}, ${at}\n`);
  for (const { reason, ...who } of forced)
    process.stdout.write(dim(`  not waited for: ${nameOf(who)}: ${reason}\n`));
  if (endedAt) return;
  if (holders.length > 0) {
    const rows = holders.map(({ agent, proxy, reason }) => [agent, proxy ?? "", reason]);
    process.stdout.write(`${table(["AGENT", "PROXY", "WAITED FOR, SINCE"], rows)}\n`);
    if (allHolders > holders.length)
      process.stdout.write(`and ${allHolders - holders.length} more\n`);
  } else
    process.stdout.write(
      automatic
        ? "everybody has followed; it goes on\n"
        : "everybody has followed: heddle ca rotate advance\n",
    );
}

const nameOf = ({ agent, proxy }: Pick<RotationHolder, "agent" | "proxy">) =>
  proxy === undefined ? `agent ${agent}` : `${proxy} of agent ${agent}`;
