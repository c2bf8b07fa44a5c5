/** What an agent says of itself and its proxies at its debug address, which is on the loopback of its own machine. */
import type { RecordedChange } from "@heddle/translate";
import { CliError } from "../output/cli-error.ts";

/** Where an agent has it unless its `--metrics` says otherwise. */
export const AGENT_DEBUG = "http://127.0.0.1:15014";

/** The agent that a command asks: the one that it names, or the context's, or one of this machine. Needs no plane. */
export async function agentOf(flags: {
  readonly agent?: string;
  readonly context?: string;
}): Promise<string> {
  if (flags.agent) return flags.agent.replace(/\/+$/, "");
  const { savedAgent } = await import("../context/context.ts");
  return (await savedAgent(flags)) ?? AGENT_DEBUG;
}

/** A debug page about one proxy. HDL9026 where nobody answers, HDL9047 where the agent has no such proxy, HDL9046 for another error. */
export async function agentPage<T>(
  agent: string,
  page: "config" | "proxy",
  proxy: string,
): Promise<T> {
  const response = await ask(agent, `/debug/${page}?proxy=${encodeURIComponent(proxy)}`);
  if (response.ok) return (await response.json()) as T;
  if (response.status === 404) {
    const body = (await response.json().catch(() => ({}))) as { proxies?: string[] };
    if (body.proxies) throw unknownProxy(proxy, body.proxies);
  }
  throw wrongAnswer(agent, response);
}

/** What its engine did for the last changes, oldest first. HDL9026 where nobody answers, HDL9046 for an error. */
export async function agentChanges(agent: string): Promise<readonly RecordedChange[]> {
  const response = await ask(agent, "/debug/graph");
  if (!response.ok) throw wrongAnswer(agent, response);
  return ((await response.json()) as { items: RecordedChange[] }).items;
}

function wrongAnswer(agent: string, { status }: Response): CliError {
  return new CliError(
    "HDL9046",
    `The agent at ${agent} answered ${status}.`,
    "Look into its log, and check that --agent names an agent's debug address.",
  );
}

async function ask(agent: string, path: string): Promise<Response> {
  try {
    return await fetch(`${agent}${path}`);
  } catch (error) {
    const { cause, message } = error as Error;
    throw new CliError(
      "HDL9026",
      `The agent at ${agent} cannot be reached: ${(cause as Error | undefined)?.message ?? message}.`,
      "Run this on the agent's machine, check that it runs, and name the address of its --metrics with --agent, such as --agent http://127.0.0.1:15014.",
    );
  }
}

export function unknownProxy(name: string, known: readonly string[]): CliError {
  return new CliError(
    "HDL9047",
    `No proxy ${name} is connected.`,
    `Connected: ${known.join(", ") || "none"}.`,
  );
}
