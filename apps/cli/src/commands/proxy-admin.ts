/**
 * `heddle proxy-config bootstrap` and `log`: what only the proxy itself knows, by its admin interface. Agents have no way to it:
 * it is on the pod's own loopback, so that the command has to run where that is, or through a forwarded port.
 */
import { CliError } from "../output/cli-error.ts";
import { printJson, table } from "../output/print.ts";
import { agentPage } from "./agent-debug.ts";

const ADMIN_PORT = 15000;
/** Milliseconds; a pod's loopback seen from elsewhere may not answer at all. */
const WITHIN = 5_000;
const LEVELS = ["trace", "debug", "info", "warning", "error", "critical", "off"];

/** The proxy's admin address: the one that was named, or the usual port where the agent knows the proxy to be. */
export async function adminOf(
  agent: string,
  proxy: string,
  named: string | undefined,
): Promise<string> {
  if (named !== undefined) return named.replace(/\/+$/, "");
  const { host } = await agentPage<{ host: string }>(agent, "proxy", proxy);
  return `http://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${ADMIN_PORT}`;
}

/** What the proxy was started with. */
export async function showBootstrap(admin: string, output: string): Promise<void> {
  const dump = JSON.parse(await ask(admin, "GET", "/config_dump")) as {
    configs?: { "@type"?: string; bootstrap?: object }[];
  };
  const found = dump.configs?.find((config) =>
    config["@type"]?.endsWith(".BootstrapConfigDump"),
  )?.bootstrap;
  if (!found) throw adminAnswered(admin, "no bootstrap in its configuration dump");
  if (output === "json") return printJson(found);
  const { stringify } = await import("yaml");
  process.stdout.write(stringify(found, { aliasDuplicateObjects: false }));
}

/** Sets what `levels` asks for, then shows every logger's level. */
export async function showLog(
  admin: string,
  output: string,
  levels: string | undefined,
): Promise<void> {
  const answer = await ask(
    admin,
    "POST",
    `/logging${levels === undefined ? "" : levelQuery(levels)}`,
  );
  const loggers = loggersIn(answer);
  if (output === "json") return printJson(Object.fromEntries(loggers));
  if (output === "yaml") {
    const { stringify } = await import("yaml");
    process.stdout.write(stringify(Object.fromEntries(loggers)));
    return;
  }
  process.stdout.write(`${table(["LOGGER", "LEVEL"], loggers)}\n`);
}

/**
 * Envoy's query for `debug` (every logger) or `http:debug,router:trace` (these). HDL9029 for what is no level; whether a logger
 * exists Envoy says itself.
 */
export function levelQuery(levels: string): string {
  const parts = levels.split(",").map((part) => part.trim().split(":"));
  const bad = parts.find(
    (part) => part.length > 2 || part[0] === "" || !LEVELS.includes(part.at(-1) as string),
  );
  if (bad || (parts.length > 1 && parts.some((part) => part.length === 1))) {
    throw new CliError(
      "HDL9029",
      `--level ${levels} names no level${bad ? ` in "${bad.join(":")}"` : " for some of its loggers"}.`,
      `Give one of ${LEVELS.join(", ")} for all loggers, or logger:level by commas.`,
      2,
    );
  }
  const [first] = parts;
  if (first?.length === 1) return `?level=${first[0]}`;
  return `?paths=${parts.map((part) => part.map(encodeURIComponent).join(":")).join(",")}`;
}

/** Name and level of each line of Envoy's list, `  router: debug`. */
export function loggersIn(answer: string): [string, string][] {
  return [...answer.matchAll(/^\s+(\S+): (\w+)$/gm)].map(([, name = "", level = ""]) => [
    name,
    level,
  ]);
}

async function ask(admin: string, method: string, path: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(`${admin}${path}`, { method, signal: AbortSignal.timeout(WITHIN) });
  } catch (error) {
    const { cause, message } = error as Error;
    throw new CliError(
      "HDL9027",
      `The proxy's admin at ${admin} cannot be reached: ${(cause as Error | undefined)?.message ?? message}.`,
      "It is on the pod's own loopback. Forward it (`kubectl port-forward POD 15000`) and name it with --admin http://127.0.0.1:15000.",
    );
  }
  const text = await response.text();
  if (!response.ok) throw adminAnswered(admin, `${response.status} ${text.trim()}`);
  return text;
}

function adminAnswered(admin: string, what: string): CliError {
  return new CliError(
    "HDL9028",
    `The proxy's admin at ${admin} answered: ${what}`,
    "Check --level, and that --admin names an Envoy's admin address.",
  );
}
