/** `heddle mesh agents`: who serves a mesh's proxies, and which clusters share their services. */
import type { AgentInfo } from "@heddle/client";
import { Command } from "commander";
import { age, printJson, table } from "../output/print.ts";
import { type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

export function meshAgentsCommand(): Command {
  return withOutput(withPlane(new Command("agents")))
    .description("the mesh's agents: how far each is, and which clusters share their services")
    .action(async (options: PlaneOptions) => {
      const { client, context } = await openPlane(options);
      const agents: AgentInfo[] = [];
      for await (const agent of client.allAgents(context.mesh)) agents.push(agent);
      if (options.output === "json") return printJson(agents);
      if (agents.length === 0) {
        process.stderr.write("No agent has joined yet. `heddle mesh join-token` lets one.\n");
        return;
      }
      const rows = agents.map((agent) => [
        agent.name,
        agent.connected ? "connected" : "away",
        agent.version,
        String(agent.acknowledged),
        String(agent.proxies.length),
        agent.cluster ?? "",
        agent.sharesWith.join(", "),
        age(Date.now() - Date.parse(agent.since)),
      ]);
      const titles = ["AGENT", "STATE", "VERSION", "REVISION", "PROXIES"];
      process.stdout.write(`${table([...titles, "CLUSTER", "SHARES WITH", "SINCE"], rows)}\n`);
    });
}
