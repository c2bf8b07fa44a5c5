/** `heddle up`: the whole plane in one process, and with --demo a mesh on this machine around it. */
import path from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { parsePort } from "./options.ts";
import { INTERRUPTED, untilAborted, untilSignal } from "./until-signal.ts";

interface UpOptions {
  readonly port: number;
  readonly gatewayPort: number;
  readonly data: string;
  readonly demo?: boolean;
  readonly rate: number;
  readonly block: number;
}

export function upCommand(): Command {
  return new Command("up")
    .description("run the plane on this machine; with --demo, Bookinfo on real Envoys too")
    .option("--demo", "add an agent, Bookinfo with Envoy sidecars, an ingress gateway and traffic")
    .option("--port <port>", "where the plane and its console listen", parsePort, 8700)
    .option("--gateway-port <port>", "where the demo's ingress gateway listens", parsePort, 8780)
    .option("--data <dir>", "where everything is kept between runs", ".heddle")
    .option("--rate <n>", "requests per second of the demo's traffic, 0 for none", parseRate, 5)
    .option("--block <n>", "the demo's pods listen in 127.<n>.0.0/16 and the next", parseBlock, 10)
    .action(async (options: UpOptions) => {
      const { startUp } = await import("../local/up.ts");
      const say = (line: string) => process.stdout.write(`${line}\n`);
      const stopping = new AbortController();
      void untilSignal().then(() => stopping.abort());
      const running = await startUp({
        ...options,
        demo: options.demo ?? false,
        dataDir: path.resolve(options.data),
        say,
        signal: stopping.signal,
      }).catch((error: unknown) => {
        if (!stopping.signal.aborted) throw error;
        say("stopped before all of it ran");
        process.exit(INTERRUPTED);
      });
      await untilAborted(stopping.signal);
      say("stopping …");
      await running.close();
      process.exit(0);
    });
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (!(rate >= 0 && rate <= 50))
    throw new InvalidArgumentError("A rate is a number from 0 to 50.");
  return rate;
}

function parseBlock(text: string): number {
  const block = Number(text);
  if (!Number.isInteger(block) || block < 1 || block > 253)
    throw new InvalidArgumentError("A block is a number from 1 to 253.");
  return block;
}
