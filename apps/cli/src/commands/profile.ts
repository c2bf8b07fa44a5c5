/** `heddle profile`: sets of values that an installation may start from. */
import { Argument, Command } from "commander";
import type { Profile } from "@heddle/kube";
import { table } from "../output/print.ts";

const PROFILES: Readonly<Record<Profile, string>> = {
  default: "for production: two replicas, kept apart, and an ingress gateway",
  demo: "to look at: one replica that asks for little, gateways, and a plane with its console",
  minimal: "the agent alone, in one replica, without webhooks and gateways",
  remote: "what an agent outside of the cluster needs in it",
};
const profile = (name: string, description: string) =>
  new Argument(name, description).choices(Object.keys(PROFILES));

export function profileCommand(): Command {
  return new Command("profile")
    .description("the profiles of an installation: sets of values by name")
    .addCommand(
      new Command("list").description("list them").action(() => {
        const rows = Object.entries(PROFILES).map(([name, what]) => [name, what]);
        process.stdout.write(`${table(["PROFILE", "WHAT"], rows)}\n`);
      }),
    )
    .addCommand(
      new Command("dump")
        .description("print all values of one, as for -f and for the Helm chart")
        .addArgument(profile("[profile]", "which one").default("default"))
        .action(async (name: Profile) => void process.stdout.write(await dumped(name))),
    )
    .addCommand(
      new Command("diff")
        .description("print what one has otherwise than another; exits with 1 where they differ")
        .addArgument(profile("<first>", "the one"))
        .addArgument(profile("<second>", "the other"))
        .action(async (first: Profile, second: Profile) => {
          const { unifiedDiff } = await import("../output/unified-diff.ts");
          const [one, other] = [await dumped(first), await dumped(second)];
          if (one === other) return;
          process.stdout.write(unifiedDiff("values.yaml", one, other));
          process.exitCode = 1;
        }),
    );
}

async function dumped(name: Profile): Promise<string> {
  const [{ profileDefaults }, { stringify }] = await Promise.all([
    import("@heddle/kube"),
    import("yaml"),
  ]);
  return stringify(profileDefaults(name), { lineWidth: 0 });
}
