/** `heddle ca inventory`: every certificate that is alive in a mesh, and what ends soon. */
import type { CertificateInfo, CertificateList } from "@heddle/client";
import { Command, Option } from "commander";
import { CliError } from "../output/cli-error.ts";
import { cliCodes } from "../output/codes.ts";
import { age, green, printJson, red, table, yellow } from "../output/print.ts";
import { type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

const LEVELS = ["ok", "warning", "critical", "expired"] as const;
type Level = (typeof LEVELS)[number];

const COLORS = { ok: green, warning: yellow, critical: red, expired: red } as const;
const KINDS = {
  root: "root",
  intermediate: "intermediate",
  agent: "agent's",
  leaf: "workload's",
  federated: "federated root",
} as const;

export function inventoryCommand(): Command {
  return withOutput(withPlane(new Command("inventory")))
    .description("every certificate that is alive in the mesh, with who has it and when it ends")
    .addOption(
      new Option("--level <level>", "only those that are as bad as this at least")
        .choices(LEVELS)
        .default("ok"),
    )
    .option("--check", "fail where one is critical or has expired, or an agent is not heard of")
    .action(async (options: PlaneOptions & { level: Level; check?: boolean }) => {
      const { client, context } = await openPlane(options);
      const items: CertificateInfo[] = [];
      let page: CertificateList;
      let cursor: string | undefined;
      do {
        page = await client.certificates(context.mesh, {
          cursor,
          limit: 200,
          level: options.level,
        });
        items.push(...page.items);
        cursor = page.next;
      } while (cursor !== undefined);
      const { alerts, unknown } = page;
      if (options.output === "json") printJson({ items, alerts, unknown });
      else print(items, unknown);
      const bad = alerts.critical + alerts.expired;
      if (options.check && (bad > 0 || unknown.length > 0))
        throw new CliError(
          "HDL9091",
          `${bad} certificates are critical or have expired; ${unknown.length} agents are not heard of.`,
          cliCodes.HDL9091.remedy,
        );
    });
}

function print(items: readonly CertificateInfo[], unknown: readonly string[]): void {
  const rows = items.map(
    ({ kind, subject, agent = "", proxies = [], notAfter, level, serialNumber }) => {
      const left = Date.parse(notAfter) - Date.now();
      return [
        ...[COLORS[level](level), KINDS[kind], subject, agent, held(proxies)],
        ...[notAfter.slice(0, 16), left > 0 ? age(left) : "-", serialNumber.slice(0, 16)],
      ];
    },
  );
  const titles = ["LEVEL", "KIND", "OF", "AGENT", "PROXIES", "ENDS", "LEFT", "SERIAL"];
  process.stdout.write(`${table(titles, rows)}\n`);
  if (unknown.length > 0)
    process.stderr.write(`Not known: what agents hold that are away: ${unknown.join(", ")}.\n`);
}

function held(proxies: readonly string[]): string {
  const [one = "", ...more] = proxies;
  return more.length > 0 ? `${one} and ${more.length} more` : one;
}
