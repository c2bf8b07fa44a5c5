/** `heddle vm`: virtual machines that join the mesh by a WorkloadGroup. */
import { Command, InvalidArgumentError, Option } from "commander";
import { green, printJson } from "../output/print.ts";
import type { CreateOptions } from "../vm/create.ts";
import type { RenewOptions } from "../vm/renew.ts";
import { withKubeconfig } from "./cluster-options.ts";
import { parsePort, parseSeconds, withOutput } from "./options.ts";

/** The API server gives no token a shorter life, seconds. */
const LEAST = 600;
const LIFE = "24h";

export function vmCommand(): Command {
  return new Command("vm")
    .description("virtual machines that join the mesh by a WorkloadGroup")
    .addCommand(createCommand())
    .addCommand(tokenCommand());
}

function createCommand(): Command {
  return withOutput(ofGroup(new Command("create")))
    .description("write the folder that a machine of a WorkloadGroup starts its proxy from")
    .requiredOption("--address <ip>", "an address of the machine, by which the mesh reaches it")
    .option("--name <name>", "what the machine is called; GROUP-ADDRESS without it", parseName)
    .option("--out <folder>", "the folder to write; heddle-vm-NAME without it")
    .option("--force", "write over what is in the folder")
    .option(
      "--agent <host[:port]>",
      "where the machine reaches the agent; its name in the cluster without it, at port 15012",
      parseAgent,
    )
    .option("--otlp-port <port>", "the agent's for spans and access logs", parsePort, 15_013)
    .option("--capture", "lead the machine's traffic to the proxy, by iptables")
    .option(
      "--exclude-inbound-ports <ports>",
      "with --capture: ports that are not led there, by commas",
      parsePorts,
      [22],
    )
    .option(
      "--exclude-outbound-ports <ports>",
      "with --capture: ports that others listen on, and calls to them are not led there",
      parsePorts,
      [],
    )
    .option("--app-address <ip>", "without --capture: where the application listens", "127.0.0.1")
    .option(
      "--proxy-port <port>",
      "without --capture: the application calls by the HTTP proxy at this port of 127.0.0.1",
      parsePort,
      15_001,
    )
    .option("--admin-port <port>", "of Envoy's own interface, at 127.0.0.1", parsePort, 15_000)
    .option("--place <folder>", "where the folder is to lie on the machine", "/opt/heddle")
    .option("--agent-namespace <namespace>", "the namespace of the agent", "heddle-system")
    .option("-r, --revision <name>", "of the installation", "default")
    .addOption(new Option("--loopback", "for tests: all of a mesh on one host").hideHelp())
    .addHelpText(
      "after",
      "\nExamples:\n  heddle vm create legacy -n shop --address 10.0.3.7 --agent mesh.example.com\n  heddle vm create legacy -n shop --address 10.0.3.7 --agent 203.0.113.5:15012 --capture --duration 30d",
    )
    .action(create);
}

function tokenCommand(): Command {
  return ofGroup(new Command("token"))
    .description("make another token for a machine of a WorkloadGroup, and print it")
    .option("--out <folder>", "put it into a machine's folder, with the agent's roots of now")
    .addHelpText(
      "after",
      "\nExamples:\n  heddle vm token legacy -n shop --duration 30d | ssh root@10.0.3.7 'cd /opt/heddle/identity && cat > token.new && chmod 600 token.new && chown 1337 token.new && mv token.new token'\n  heddle vm token legacy -n shop --out ./heddle-vm-legacy-10.0.3.7",
    )
    .action(token);
}

function ofGroup(command: Command): Command {
  const ofNamespace = command
    .argument("<group>", "the WorkloadGroup")
    .option("-n, --namespace <namespace>", "the namespace of the group", "default")
    .addOption(
      new Option(
        "--duration <duration>",
        "how long the token is good for, as far as the API server gives it",
      )
        .argParser(parseLife)
        .default(parseLife(LIFE), LIFE),
    );
  return withKubeconfig(ofNamespace);
}

async function create(
  group: string,
  options: CreateOptions & { readonly output: string },
): Promise<void> {
  const { createMachine } = await import("../vm/create.ts");
  const made = await createMachine(group, options);
  if (options.output === "json") return printJson(made);
  const { folder, entry, account, expires } = made;
  process.stdout.write(
    `${green("wrote")} ${folder}, which holds a secret: the token of ${account}, good until ${expires}\n` +
      `Copy it to the machine and run start.sh there; its README.md says how. WorkloadEntry ${options.namespace}/${entry} stands for it then.\n`,
  );
}

async function token(group: string, options: RenewOptions): Promise<void> {
  const { renewToken } = await import("../vm/renew.ts");
  const made = await renewToken(group, options);
  if (options.out === undefined) {
    process.stdout.write(`${made.token}\n`);
    process.stderr.write(`good until ${made.expires}\n`);
    return;
  }
  process.stdout.write(`${green("wrote")} a token to ${options.out}, good until ${made.expires}\n`);
}

function parseLife(text: string): number {
  const seconds = parseSeconds(text);
  if (seconds < LEAST) throw new InvalidArgumentError("A token lives for ten minutes at least.");
  return seconds;
}

function parseName(text: string): string {
  if (/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError("Give a name as Kubernetes has them, such as legacy-1.");
}

function parsePorts(text: string): number[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(parsePort);
}

/** `host`, `host:port`, an IPv6 address in brackets. */
function parseAgent(text: string): NonNullable<CreateOptions["agent"]> {
  const [, v6, name, port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = v6 ?? name;
  if (host === undefined)
    throw new InvalidArgumentError("Give host or host:port, such as mesh.example.com:15012.");
  return { host, ...(port === undefined ? {} : { port: parsePort(port) }) };
}
