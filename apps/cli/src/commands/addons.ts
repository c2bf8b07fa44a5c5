/** `heddle addons`: Prometheus and Grafana beside Heddle, with dashboards of its meshes. */
import { Argument, Command, InvalidArgumentError } from "commander";
import type { Addon } from "@heddle/kube";
import type { AddonFlags } from "../addons/chosen.ts";
import { green, printJson, table } from "../output/print.ts";
import {
  type ClusterFlags,
  consent,
  waitOption,
  withConsent,
  withKubeconfig,
} from "./cluster-options.ts";
import { planTable } from "./install.ts";
import { printObjects } from "./manifest.ts";
import { collect, withOutput } from "./options.ts";

const ADDONS: Readonly<Record<Addon, string>> = {
  prometheus: "scrapes agents, who tell what proxies count, and annotated pods",
  grafana: "dashboards of the mesh, its services, its workloads, its agents",
};
const NAMESPACE = "heddle-system";

export function addonsCommand(): Command {
  return new Command("addons")
    .description("Prometheus and Grafana in a cluster, beside Heddle: install, list, uninstall")
    .addCommand(installCommand())
    .addCommand(listCommand())
    .addCommand(uninstallCommand())
    .addCommand(dashboardsCommand());
}

const named = () =>
  new Argument("[addon...]", "which; all of them without").choices(Object.keys(ADDONS));
const withPlace = (command: Command) =>
  withKubeconfig(command).option("-n, --namespace <namespace>", "where they lie", NAMESPACE);
const say = (line: string) => void process.stderr.write(`${line}\n`);

function installCommand(): Command {
  return withConsent(withPlace(new Command("install")))
    .description("install add-ons, or change them to other options")
    .addArgument(named())
    .option("--registry <name>", "a mirror, put in front of the images' names")
    .option("--pull-secret <name>", "with which images are pulled; may be repeated", collect, [])
    .option("--retention <duration>", "how long Prometheus keeps what it has", retention, "15d")
    .option("--storage <size>", "a volume of this size, which outlives Prometheus' pod", quantity)
    .option("--storage-class <name>", "of that volume; the cluster's usual one without it")
    .option(
      "--pod-monitor [labels]",
      "in place of a Prometheus: tell the one of a Prometheus Operator whom to scrape, by a PodMonitor with these labels",
    )
    .option("--prometheus-url <url>", "which Prometheus Grafana asks, where that is another one")
    .option("--anonymous", "let everybody who reaches Grafana look at dashboards")
    .option(
      "-o, --output <format>",
      "print the objects as yaml or json, and change nothing",
      format,
    )
    .option("--no-wait", "do not wait until all of it is ready")
    .addOption(waitOption())
    .addHelpText(
      "after",
      "\nExamples:\n  heddle addons install -y\n  heddle addons install prometheus --storage 20Gi --dry-run\n  heddle addons install grafana --prometheus-url http://prometheus.monitoring.svc:9090 -o yaml",
    )
    .action(install);
}

type InstallFlags = AddonFlags &
  ClusterFlags & {
    readonly output?: string;
    readonly wait: boolean;
    readonly timeout: number;
    readonly dryRun?: boolean;
    readonly skipConfirmation?: boolean;
  };

async function install(names: readonly Addon[], flags: InstallFlags): Promise<void> {
  const { addonObjects, namedAddons } = await import("../addons/chosen.ts");
  const addons = namedAddons(names);
  const objects = addonObjects(addons, flags);
  if (flags.output !== undefined) return printObjects(objects, flags.output);
  const [{ connect }, { applyAddons, plannedAddons }, { waitUntilReady }, { ways }] =
    await Promise.all([
      import("../cluster/connect.ts"),
      import("../addons/apply.ts"),
      import("../cluster/ready.ts"),
      import("../addons/ways.ts"),
    ]);
  const client = await connect(flags);
  const { namespace } = flags;
  const plan = await plannedAddons(client, namespace, objects);
  if (flags.dryRun) return void process.stdout.write(`${planTable(plan)}\n`);
  await consent(
    `${addons.join(" and ")} will be installed in namespace ${namespace} of ${client.address}.`,
    flags.skipConfirmation,
  );
  await applyAddons(client, namespace, addons, plan, say);
  if (flags.wait) await waitUntilReady(client, objects, flags.timeout, say);
  process.stdout.write(`${green("installed")} ${addons.join(", ")} in ${namespace}\n`);
  process.stdout.write(ways(namespace, objects));
}

function listCommand(): Command {
  return withOutput(withKubeconfig(new Command("list").alias("ls")))
    .description("which add-ons there are, and where they are installed")
    .action(async (flags: Pick<ClusterFlags, "kubeconfig" | "context"> & { output: string }) => {
      const [{ connect }, { listedAddons }] = await Promise.all([
        import("../cluster/connect.ts"),
        import("../addons/listed.ts"),
      ]);
      const all = await listedAddons(await connect(flags));
      if (flags.output === "json") return printJson(all);
      const rows = all.map(({ addon, namespace = "", state, image = "" }) => [
        ...[addon, namespace, state, image],
        ADDONS[addon],
      ]);
      process.stdout.write(`${table(["ADDON", "NAMESPACE", "STATE", "IMAGE", "WHAT"], rows)}\n`);
    });
}

function uninstallCommand(): Command {
  return withConsent(withPlace(new Command("uninstall")))
    .description("remove add-ons, with all that was made for them and all that they have kept")
    .addArgument(named())
    .addOption(waitOption())
    .action(uninstall);
}

async function uninstall(
  names: readonly Addon[],
  flags: ClusterFlags & {
    readonly timeout: number;
    readonly dryRun?: boolean;
    readonly skipConfirmation?: boolean;
  },
): Promise<void> {
  const [{ connect }, { namedAddons }, { plannedAddonRemoval, removeAddons }] = await Promise.all([
    import("../cluster/connect.ts"),
    import("../addons/chosen.ts"),
    import("../addons/remove.ts"),
  ]);
  const client = await connect(flags);
  const { namespace, timeout } = flags;
  const addons = namedAddons(names);
  const found = await plannedAddonRemoval(client, { namespace, addons });
  if (flags.dryRun) {
    const rows = found.map(({ place, object: { metadata } }) => [
      ...[place.plural, metadata.namespace ?? ""],
      metadata.name,
    ]);
    process.stdout.write(`${table(["KIND", "NAMESPACE", "NAME"], rows)}\n`);
    return;
  }
  await consent(
    `${addons.join(" and ")} will be removed from namespace ${namespace} of ${client.address}, with all that they have kept.`,
    flags.skipConfirmation,
  );
  await removeAddons(client, found, { namespace, addons, timeout, say });
  process.stdout.write(`${green("removed")} ${addons.join(", ")} from ${namespace}\n`);
}

function dashboardsCommand(): Command {
  return new Command("dashboards")
    .description("write the dashboards into a folder, for a Grafana of one's own")
    .argument("<folder>", "where to; it is made where there is none")
    .action(async (folder: string) => {
      const { writeDashboards } = await import("../addons/dashboards.ts");
      for (const file of await writeDashboards(folder)) process.stdout.write(`${file}\n`);
    });
}

/** As Prometheus writes durations. */
function retention(text: string): string {
  if (!/^(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?$/.test(text) || text === "")
    throw new InvalidArgumentError("Give a duration such as 12h, 15d or 8w.");
  return text;
}

function quantity(text: string): string {
  if (!/^\d+(?:\.\d+)?(?:[KMGTP]i?)?$/.test(text))
    throw new InvalidArgumentError("Give a size such as 20Gi.");
  return text;
}

function format(text: string): string {
  if (!["yaml", "json"].includes(text)) throw new InvalidArgumentError("Give yaml or json.");
  return text;
}
