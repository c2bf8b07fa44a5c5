/** `heddle proxy-status` and `proxy-config`: what proxies have, and whether they have taken it. */
import { Argument, Command } from "commander";
import type { ContextFlags } from "../context/context.ts";
import { CliError } from "../output/cli-error.ts";
import { age, green, printJson, red, table, yellow } from "../output/print.ts";
import { refusalText } from "../output/refusal.ts";
import { withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

const TYPES = ["CDS", "EDS", "LDS", "RDS", "SDS", "ECDS"];

const CONFIG_TYPES: Record<string, string> = {
  cluster: "clusters",
  listener: "listeners",
  route: "routes",
  endpoint: "endpoints",
  secret: "secrets",
  all: "all",
};

export function proxyCommands(): Command[] {
  return [proxyStatusCommand(), proxyConfigCommand()];
}

function proxyStatusCommand(): Command {
  return withOutput(withPlane(new Command("proxy-status").alias("ps")))
    .description("every proxy: what it acknowledged, and what it refused and why")
    .argument("[proxy]", "one proxy, pod.namespace")
    .action(async (name: string | undefined, options: ContextFlags & { output: string }) => {
      const { client, context } = await openPlane(options);
      const { items } = await client.proxies(context.mesh);
      const proxies = items.filter((proxy) => !name || proxy.name === name);
      if (name && proxies.length === 0)
        throw unknownProxy(
          name,
          items.map((proxy) => proxy.name),
        );
      if (options.output === "json") return printJson(proxies);
      const rows = proxies.map((proxy) => [
        proxy.name,
        proxy.type,
        stateWord(proxy.state),
        String(proxy.acknowledged),
        ...TYPES.map((type) => {
          const state = proxy.types[type];
          return state ? (state.error ? red("REFUSED") : green(`${state.resources}`)) : "-";
        }),
        proxy.agent,
        age(Date.now() - Date.parse(proxy.connectedAt)),
      ]);
      process.stdout.write(
        `${table(["NAME", "TYPE", "STATE", "REVISION", ...TYPES, "AGENT", "CONNECTED"], rows)}\n`,
      );
      for (const proxy of proxies) {
        for (const [type, state] of Object.entries(proxy.types)) {
          if (state.refusals)
            for (const refused of state.refusals)
              process.stdout.write(`\n${refusalText(proxy.name, type, refused)}\n`);
          else if (state.error)
            process.stdout.write(`\n${red("REFUSED")} ${proxy.name} ${type}: ${state.error}\n`);
        }
      }
      process.exitCode = proxies.some((proxy) => proxy.state === "rejected") ? 1 : 0;
    });
}

function stateWord(state: "synced" | "pending" | "stale" | "rejected"): string {
  return { synced: green, pending: yellow, stale: red, rejected: red }[state](state);
}

function proxyConfigCommand(): Command {
  return withOutput(withPlane(new Command("proxy-config").alias("pc")), ["table", "json", "yaml"])
    .description("what the agent serves to one proxy")
    .addArgument(new Argument("<type>", "which resources").choices(Object.keys(CONFIG_TYPES)))
    .argument("<proxy>", "pod.namespace")
    .option("--agent <url>", "the agent's debug address")
    .action(
      async (
        type: string,
        name: string,
        options: ContextFlags & { output: string; agent?: string },
      ) => {
        const { context } = await openPlane(options);
        const agent = options.agent ?? context.agent ?? "http://127.0.0.1:15014";
        const resources = await configOf(agent, name);
        const chosen =
          type === "all"
            ? resources
            : { [CONFIG_TYPES[type] ?? type]: resources[CONFIG_TYPES[type] ?? type] ?? [] };
        if (options.output === "json")
          return printJson(type === "all" ? chosen : Object.values(chosen)[0]);
        if (options.output === "yaml") {
          const { stringify } = await import("yaml");
          process.stdout.write(stringify(chosen, { aliasDuplicateObjects: false }));
          return;
        }
        const { configRows } = await import("../output/proxy-config-rows.ts");
        for (const [kind, values] of Object.entries(chosen)) {
          const { headers, rows } = configRows(kind, values);
          process.stdout.write(`${table(headers, rows)}\n`);
        }
      },
    );
}

async function configOf(agent: string, name: string): Promise<Record<string, object[]>> {
  const response = await fetch(`${agent}/debug/config?proxy=${encodeURIComponent(name)}`);
  if (response.ok) return (await response.json()) as Record<string, object[]>;
  if (response.status === 404) {
    const body = (await response.json().catch(() => ({}))) as { proxies?: string[] };
    throw unknownProxy(name, body.proxies ?? []);
  }
  throw new CliError(
    "HDL9046",
    `The agent at ${agent} answered ${response.status}.`,
    "Look into its log.",
  );
}

function unknownProxy(name: string, known: readonly string[]): CliError {
  return new CliError(
    "HDL9047",
    `No proxy ${name} is connected.`,
    `Connected: ${known.join(", ") || "none"}.`,
  );
}
