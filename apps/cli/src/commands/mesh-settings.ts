/** `heddle mesh get` and `set`: what holds for a mesh as a whole. */
import type { MeshInfo, MeshSettings } from "@heddle/client";
import { Command } from "commander";
import { CliError } from "../output/cli-error.ts";
import { bold, dim, printJson, table } from "../output/print.ts";
import { type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

/** How each setting reads its words; the value where nobody has chosen one stands beside it. */
const SETTINGS: Readonly<
  Record<string, { readonly usual: string; readonly read: (word: string) => unknown }>
> = {
  outboundTrafficPolicy: { usual: "ALLOW_ANY", read: oneOf("ALLOW_ANY", "REGISTRY_ONLY") },
  traceSampling: { usual: "1", read: percentage },
  accessLog: { usual: "true", read: (word) => oneOf("true", "false")(word) === "true" },
  rootNamespace: { usual: "istio-system", read: (word) => word },
  clusterDomain: { usual: "cluster.local", read: (word) => word },
  trustDomainAliases: {
    usual: "none",
    read: (word) => (word === "" ? [] : word.split(",").map((domain) => domain.trim())),
  },
  ingressClass: { usual: "istio", read: (word) => word },
  ingressControllerMode: { usual: "STRICT", read: oneOf("OFF", "DEFAULT", "STRICT") },
  ingressSelector: { usual: "ingressgateway", read: (word) => word },
  ingressService: { usual: "istio-ingressgateway", read: (word) => word },
  onDemand: { usual: "AUTO", read: oneOf("AUTO", "ALWAYS", "NEVER") },
  extensionProviders: { usual: "none", read: json },
};

export const SETTING_NAMES: readonly string[] = Object.keys(SETTINGS);

export function getMeshCommand(): Command {
  return withOutput(withPlane(new Command("get")))
    .description("show the mesh, its settings, and how far the newest revision has come")
    .action(async (options: PlaneOptions) => {
      const { client, context } = await openPlane(options);
      show(await client.getMesh(context.mesh), options.output);
    });
}

export function setMeshCommand(): Command {
  return withOutput(withPlane(new Command("set")))
    .description("change settings, as a revision that every agent takes")
    .argument("<setting=value...>", `any of ${SETTING_NAMES.join(", ")}`)
    .action(async (words: string[], options: PlaneOptions) => {
      const settings = Object.fromEntries(words.map(settingOf)) as MeshSettings;
      const { client, context } = await openPlane(options);
      show(await client.changeMesh(context.mesh, settings), options.output);
    });
}

function settingOf(word: string): [string, unknown] {
  const at = word.indexOf("=");
  const name = at < 0 ? word : word.slice(0, at);
  const setting = SETTINGS[name];
  if (at < 0 || !setting) {
    throw new CliError(
      "HDL9037",
      `"${word}" sets nothing.`,
      `Write setting=value, with one of ${SETTING_NAMES.join(", ")}.`,
      2,
    );
  }
  return [name, setting.read(word.slice(at + 1))];
}

function oneOf(...values: readonly string[]) {
  return (word: string): string => {
    if (values.includes(word)) return word;
    throw new CliError("HDL9037", `"${word}" is not allowed there.`, values.join(" or "), 2);
  };
}

/** What has fields of its own is written as JSON; the plane says what is wrong with them. */
function json(word: string): unknown {
  try {
    return JSON.parse(word === "" ? "[]" : word);
  } catch {
    const remedy = "Write it as JSON, or apply a MeshSettings with it.";
    throw new CliError("HDL9037", `"${word}" is not JSON.`, remedy, 2);
  }
}

function percentage(word: string): number {
  const value = Number(word);
  if (word.trim() !== "" && value >= 0 && value <= 100) return value;
  throw new CliError("HDL9037", `"${word}" is no percentage.`, "Give a number from 0 to 100.", 2);
}

/** Providers by their names. */
function settingText(chosen: NonNullable<MeshSettings[keyof MeshSettings]>): string {
  if (typeof chosen !== "object") return String(chosen);
  return chosen.map((each) => (typeof each === "string" ? each : each.name)).join(",");
}

function show(mesh: MeshInfo, output: string): void {
  if (output === "json") return printJson(mesh);
  const { state, proxies, acknowledged } = mesh.convergence;
  const facts = [
    ["Mesh", mesh.name],
    ["Trust domain", mesh.trustDomain],
    ["Revision", `${mesh.revision} (${state}, ${acknowledged} of ${proxies} proxies)`],
  ];
  process.stdout.write(
    `${facts.map(([label, value]) => `${bold(`${label}:`.padEnd(18))}${value}`).join("\n")}\n\n`,
  );
  const rows = Object.entries(SETTINGS).map(([name, { usual }]) => {
    const chosen = mesh.settings[name as keyof MeshSettings];
    return [name, chosen === undefined ? `${usual} ${dim("(default)")}` : settingText(chosen)];
  });
  process.stdout.write(`${table(["SETTING", "VALUE"], rows)}\n`);
}
