/** `heddle install`, `verify-install` and `uninstall`: the agent in a cluster. */
import { Command } from "commander";
import type { PlaneInstallation } from "@heddle/kube";
import type { Plan } from "../cluster/apply.ts";
import { CliError } from "../output/cli-error.ts";
import { green, red, table } from "../output/print.ts";
import {
  type ClusterFlags,
  consent,
  type InstallFlags,
  waitOption,
  withCluster,
  withConsent,
  withValues,
} from "./cluster-options.ts";

export function installCommand(): Command {
  return withConsent(withValues(withCluster(new Command("install"))))
    .description(
      "install the agent in a cluster, with a plane where values say so, or change an installation to other values",
    )
    .option("--no-wait", "do not wait until all of it is ready")
    .addOption(waitOption())
    .addHelpText(
      "after",
      "\nExamples:\n  heddle install --set profile=demo -y\n  heddle install -f values.yaml --revision canary --dry-run",
    )
    .action(install);
}

export function verifyInstallCommand(): Command {
  return withValues(withCluster(new Command("verify-install")))
    .description("compare an installation with what its values, or those given, make")
    .action(verify);
}

export function uninstallCommand(): Command {
  return withConsent(withCluster(new Command("uninstall")))
    .description("remove an installation, with all that it made")
    .option("-r, --revision <name>", "which one", "default")
    .option(
      "--purge",
      "remove definitions also where there are objects of them, with these, and a plane's data",
    )
    .addOption(waitOption())
    .action(uninstall);
}

const say = (line: string) => void process.stderr.write(`${line}\n`);

async function install(
  flags: InstallFlags & { readonly wait: boolean; readonly timeout: number },
): Promise<void> {
  const [{ chosenValues }, { connect }, cluster, kube, { agentRights }] = await Promise.all([
    import("../cluster/values.ts"),
    import("../cluster/connect.ts"),
    import("../cluster/apply.ts"),
    import("@heddle/kube"),
    import("@heddle/agent/rights"),
  ]);
  const installation = { values: await chosenValues(flags), namespace: flags.namespace };
  const objects = kube.installationObjects(installation, agentRights());
  const client = await connect(flags);
  const plan = await cluster.planned(client, kube.inOrder(objects));
  if (flags.dryRun) {
    process.stdout.write(`${planTable(plan)}\n`);
    return;
  }
  const { profile, revision } = installation.values;
  await consent(
    `Heddle (profile ${profile}, revision ${revision}) will be installed in namespace ${flags.namespace} of ${client.address}.`,
    flags.skipConfirmation,
  );
  await cluster.applyInstallation(client, installation, objects, plan, { ...flags, say });
  for (const { object, does } of plan)
    if (does === "leave") say(`${object.metadata.name} was there already and was left as it is`);
  process.stdout.write(`${green("installed")} Heddle in ${flags.namespace}\n`);
  const plane = kube.planeBeside(installation);
  if (plane) process.stdout.write(wayToConsole(plane, kube.keysOf(plane.name)));
}

/** How its administrator comes to the console of a plane that is installed. */
function wayToConsole(
  { name, namespace, values: { service } }: PlaneInstallation,
  keys: string,
): string {
  const kubectl = `kubectl --namespace ${namespace}`;
  const ways = [
    `console   http://127.0.0.1:${service.port} with \`${kubectl} port-forward service/${name} ${service.port}\``,
    ...(service.type === "NodePort"
      ? [
          `          or at any node, at the port of \`${kubectl} get service ${name} --output jsonpath='{.spec.ports[0].nodePort}'\``,
        ]
      : []),
    `token     \`${kubectl} get secret ${keys} --output jsonpath='{.data.admin-token}' | base64 --decode\``,
  ];
  return `${ways.join("\n")}\n`;
}

export function planTable(plan: Plan): string {
  return table(
    ["DOES", "KIND", "NAMESPACE", "NAME"],
    plan.map(({ does, object: { kind, metadata } }) => [
      ...[does, kind, metadata.namespace ?? ""],
      metadata.name,
    ]),
  );
}

async function verify(flags: InstallFlags): Promise<void> {
  const [values, { connect }, { verifyObjects }, kube, { agentRights }] = await Promise.all([
    import("../cluster/installed-values.ts"),
    import("../cluster/connect.ts"),
    import("../cluster/verify.ts"),
    import("@heddle/kube"),
    import("@heddle/agent/rights"),
  ]);
  const client = await connect(flags);
  const installation = await values.installedOrGiven(client, flags);
  const objects = kube.installationObjects(installation, agentRights());
  const verified = await verifyObjects(client, kube.inOrder(objects));
  for (const { object, problem } of verified)
    process.stdout.write(
      problem === undefined ? `${green("✓")} ${object}\n` : `${red("✗")} ${object}: ${problem}\n`,
    );
  const wrong = verified.filter(({ problem }) => problem !== undefined).length;
  if (wrong > 0)
    throw new CliError(
      "HDL9068",
      `${wrong} of ${verified.length} objects are not as they should be.`,
      "`heddle install` with the same values puts them right.",
    );
  process.stdout.write(`all ${verified.length} objects are as they should be\n`);
}

async function uninstall(
  flags: ClusterFlags & {
    readonly revision: string;
    readonly purge?: boolean;
    readonly timeout: number;
    readonly skipConfirmation?: boolean;
    readonly dryRun?: boolean;
  },
): Promise<void> {
  const [{ connect }, { plannedRemoval, removeInstallation }] = await Promise.all([
    import("../cluster/connect.ts"),
    import("../cluster/remove.ts"),
  ]);
  const client = await connect(flags);
  const removal = { ...flags, purge: flags.purge === true, say };
  const plan = await plannedRemoval(client, removal);
  if (flags.dryRun) {
    const rows = plan.objects.map(({ place: { plural }, object: { metadata } }) => [
      ...[plural, metadata.namespace ?? ""],
      metadata.name,
    ]);
    process.stdout.write(`${table(["KIND", "NAMESPACE", "NAME"], rows)}\n`);
    return;
  }
  await consent(
    `Heddle of revision ${flags.revision} will be removed from ${client.address}; proxies that run keep what they have.`,
    flags.skipConfirmation,
  );
  for (const line of await removeInstallation(client, plan, removal)) say(line);
  process.stdout.write(`${green("removed")} Heddle from ${flags.namespace}\n`);
}
