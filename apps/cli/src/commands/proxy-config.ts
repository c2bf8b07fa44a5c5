/** `heddle proxy-config`: what the agent serves to one proxy, and what the proxy says of itself. */
import { Argument, Command } from "commander";
import type { ContextFlags } from "../context/context.ts";
import { printJson, table } from "../output/print.ts";
import { AGENT_DEBUG, agentOf, agentPage } from "./agent-debug.ts";
import { withOutput, withPlane } from "./options.ts";

const CONFIG_TYPES: Record<string, string> = {
  cluster: "clusters",
  listener: "listeners",
  route: "routes",
  endpoint: "endpoints",
  secret: "secrets",
  all: "all",
};

/** What the proxy's own admin is asked for. */
const OF_THE_PROXY = ["bootstrap", "log"];

interface ProxyConfigOptions extends ContextFlags {
  readonly output: string;
  readonly agent?: string;
  readonly admin?: string;
  readonly level?: string;
}

export function proxyConfigCommand(): Command {
  return withOutput(withPlane(new Command("proxy-config").alias("pc")), ["table", "json", "yaml"])
    .description(
      "what the agent serves to one proxy, or bootstrap and log levels of the proxy itself; needs no plane",
    )
    .addArgument(
      new Argument("<type>", "which resources").choices([
        ...Object.keys(CONFIG_TYPES),
        ...OF_THE_PROXY,
      ]),
    )
    .argument("<proxy>", "pod.namespace")
    .option("--agent <url>", `the agent's debug address; the context's, or ${AGENT_DEBUG}`)
    .option(
      "--admin <url>",
      "for bootstrap and log: the proxy's admin address; port 15000 of the proxy's host without it",
    )
    .option("--level <levels>", "with log: set a level, or logger:level by commas")
    .action(async (type: string, name: string, options: ProxyConfigOptions) => {
      if (OF_THE_PROXY.includes(type)) return askProxy(type, name, options);
      const agent = await agentOf(options);
      const resources = await agentPage<Record<string, object[]>>(agent, "config", name);
      const wanted = CONFIG_TYPES[type] ?? type;
      const chosen = type === "all" ? resources : { [wanted]: resources[wanted] ?? [] };
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
    });
}

async function askProxy(type: string, name: string, options: ProxyConfigOptions): Promise<void> {
  const { adminOf, showBootstrap, showLog } = await import("./proxy-admin.ts");
  const admin = await adminOf(await agentOf(options), name, options.admin);
  if (type === "log") return showLog(admin, options.output, options.level);
  return showBootstrap(admin, options.output);
}
