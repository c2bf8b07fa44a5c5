/** `heddle proxy-status`: what proxies have, and whether they have taken it. */
import { Command } from "commander";
import { age, green, printJson, red, table, yellow } from "../output/print.ts";
import { refusalText } from "../output/refusal.ts";
import { unknownProxy } from "./agent-debug.ts";
import { type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

const TYPES = ["CDS", "EDS", "LDS", "RDS", "SDS", "ECDS"];

export function proxyStatusCommand(): Command {
  return withOutput(withPlane(new Command("proxy-status").alias("ps")))
    .description("every proxy: what it acknowledged, and what it refused and why")
    .argument("[proxy]", "one proxy, pod.namespace")
    .action(async (name: string | undefined, options: PlaneOptions) => {
      const { client, context } = await openPlane(options);
      const { items } = await client.proxies(context.mesh);
      const proxies = items.filter((proxy) => !name || proxy.name === name);
      if (name && proxies.length === 0)
        throw unknownProxy(
          name,
          items.map((proxy) => proxy.name),
        );
      if (options.output === "json") return printJson(proxies);
      const asks = proxies.some(({ types }) => types["VHDS"] !== undefined);
      const types = asks ? [...TYPES, "VHDS"] : TYPES;
      const rows = proxies.map((proxy) => [
        proxy.name,
        proxy.type,
        stateWord(proxy.state),
        String(proxy.acknowledged),
        ...types.map((type) => {
          const state = proxy.types[type];
          return state ? (state.error ? red("REFUSED") : green(`${state.resources}`)) : "-";
        }),
        proxy.agent,
        age(Date.now() - Date.parse(proxy.connectedAt)),
      ]);
      process.stdout.write(
        `${table(["NAME", "TYPE", "STATE", "REVISION", ...types, "AGENT", "CONNECTED"], rows)}\n`,
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
