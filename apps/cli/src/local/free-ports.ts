/** Whether addresses are free that processes are about to listen on: asked first, a port in use has a name instead of a time-out. */
import net from "node:net";
import { CliError } from "../output/cli-error.ts";

export interface WantedAddress {
  readonly host: string;
  readonly port: number;
  /** Who is going to listen: "the agent's xDS". */
  readonly what: string;
  /** The flag that moves it elsewhere. */
  readonly flag: "--gateway-port" | "--block";
}

/** A loopback address that nothing of ours uses. A port that is taken here too is taken on all of them. */
const ELSEWHERE = "127.254.254.254";

/** Fails with HDL9043, which names the first of the addresses that somebody else listens on and the flag that chooses another. */
export async function assertFree(wanted: readonly WantedAddress[]): Promise<void> {
  const failures = await Promise.all(wanted.map(({ host, port }) => listenError(host, port)));
  const at = failures.findIndex((failure) => failure !== undefined);
  const [address, failure] = [wanted[at], failures[at]];
  if (!address || !failure) return;
  const { host, port, what, flag } = address;
  if (failure.code !== "EADDRINUSE")
    throw new CliError(
      "HDL9043",
      `Cannot listen on ${host}:${port}, for ${what}: ${failure.message}`,
      `Choose another with ${flag}.`,
    );
  const everywhere = flag === "--block" && (await listenError(ELSEWHERE, port)) !== undefined;
  throw new CliError(
    "HDL9043",
    `Port ${port} on ${host}, for ${what}, is in use.`,
    everywhere
      ? "End the program that holds it: it listens on every address, so no other --block helps."
      : `End the program that holds it, or choose another with ${flag}.`,
  );
}

/** Why nobody can listen there; undefined where one can. */
function listenError(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error));
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}
