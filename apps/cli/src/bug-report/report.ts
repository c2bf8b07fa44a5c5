/** A report of what a cluster's mesh is and how it is doing, as one archive, for whoever is to find what is wrong with it. */
import {
  type KubernetesClient,
  type KubernetesObject,
  openPortForwarding,
  type KubernetesOptions,
} from "@heddle/agent/kubernetes";
import { stringify } from "yaml";
import { installedOrGiven } from "../cluster/installed-values.ts";
import { findingsJson } from "../output/diagnostics.ts";
import { heddleVersion } from "../commands/version.ts";
import { createArchive } from "./archive.ts";
import { type Chosen, isChosenNamespace } from "./chosen.ts";
import { type Collector, createCollector, type Outcome } from "./collect.ts";
import { collectObjects } from "./objects.ts";
import { collectAgents, collectProxies } from "./pods.ts";
import { cleanObject } from "./redact.ts";

export interface ReportOptions {
  readonly client: KubernetesClient;
  readonly access: KubernetesOptions;
  /** The archive's path, which must not be there, and the folder that all of it is in. */
  readonly file: string;
  readonly folder: string;
  readonly namespace: string;
  readonly revision: string;
  readonly chosen: Chosen;
  /** Seconds. */
  readonly since: number;
  readonly maxProxies: number;
  /** Of all files before they are packed. */
  readonly maxBytes: number;
  readonly say: (line: string) => void;
}

const README = `What \`heddle bug-report\` found of a mesh.

versions.json     of the command, the cluster, its machines and the agents' images
install/          the installation's values
objects/          of the kinds of a mesh; Secrets and applications' ConfigMaps by their keys alone
agents/           of each agent: log, metrics, and its debug pages
proxies/          of each chosen proxy: log, configuration, clusters, certificates (no keys), statistics
events.yaml       of the chosen namespaces
analysis.json     what \`heddle analyze\` finds in the objects
report.json       what was asked for, what could not be had and why, and what was left out for want of room

Values of Secrets, tokens, private keys, and what is called like one are left out. Read it all the same before you give it away.
`;

/** Resolves when the archive is whole on disk. Rejects where it cannot be written; what cannot be read is noted in it. */
export async function writeReport(options: ReportOptions): Promise<Outcome> {
  const { client, access, file, folder, namespace, revision, chosen, say } = options;
  const archive = await createArchive(file, folder, options.maxBytes);
  try {
    const collector = createCollector(archive);
    await archive.addLast("README.txt", README);
    say("versions, installation");
    await collectVersions(client, collector, namespace);
    await collector.file("install/values.yaml", async () => {
      const none = { filename: [], set: [], setString: [] };
      const { values } = await installedOrGiven(client, { namespace, revision, ...none });
      return stringify(cleanObject({ ...values }));
    });
    say("objects");
    const objects = await collectObjects(client, collector, chosen);
    await collector.file("analysis.json", () => analysed(objects));
    await collector.file("events.yaml", () => events(client, chosen));
    const forward = await collector.value("port forwarding", () => openPortForwarding(access));
    const pods = { ...options, collector, forward };
    // What agents say is what is looked at first: proxies have the rest of the room.
    await collectAgents(pods);
    await collectProxies(pods);
    const { outcome } = collector;
    const { include, exclude } = chosen;
    const asked = { include, exclude, since: options.since, namespace, revision };
    const report = { version: heddleVersion, asked, ...outcome };
    await archive.addLast("report.json", `${JSON.stringify(report, undefined, 2)}\n`);
    await archive.close();
    return outcome;
  } catch (error) {
    archive.destroy();
    throw error;
  }
}

async function collectVersions(
  client: KubernetesClient,
  collector: Collector,
  namespace: string,
): Promise<void> {
  await collector.file("versions.json", async () => {
    const [kubernetes, nodes, deployments] = await Promise.all([
      client.read("/version"),
      client.list({ apiVersion: "v1", plural: "nodes" }),
      client.list({ apiVersion: "apps/v1", plural: "deployments", namespace }),
    ]);
    const agents = deployments.map(({ metadata: { name }, spec }) => ({
      name,
      images: imagesOf(spec),
    }));
    const machines = nodes.map(({ metadata: { name }, status }) => ({
      name,
      ...(status as { nodeInfo?: object } | undefined)?.nodeInfo,
    }));
    return `${JSON.stringify({ heddle: heddleVersion, kubernetes, agents, machines }, undefined, 2)}\n`;
  });
}

function imagesOf(spec: unknown): readonly string[] {
  const { template } = spec as { template?: { spec?: { containers?: { image?: string }[] } } };
  return (template?.spec?.containers ?? []).map(({ image = "" }) => image);
}

async function analysed(objects: readonly KubernetesObject[]): Promise<string> {
  const [{ analyze }, { loadFiles }, { checkPatches }] = await Promise.all([
    import("@heddle/analysis"),
    import("../offline/load.ts"),
    import("../offline/check-patches.ts"),
  ]);
  const content = objects.map((object) => stringify(object, { aliasDuplicateObjects: false }));
  const files = [{ name: "cluster", content: content.join("---\n") }];
  const { objects: loaded, diagnostics } = loadFiles(files, "default");
  const findings = [...diagnostics, ...analyze(loaded, { strict: false }), ...checkPatches(loaded)];
  return `${JSON.stringify(findingsJson(findings), undefined, 2)}\n`;
}

async function events(client: KubernetesClient, chosen: Chosen): Promise<string> {
  const all = await client.list({ apiVersion: "v1", plural: "events" });
  return all
    .filter(({ metadata: { namespace = "" } }) => isChosenNamespace(namespace, chosen))
    .map((event) => stringify(cleanObject(event)))
    .join("---\n");
}
