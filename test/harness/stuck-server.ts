/** A server that stands still with a full queue of connections: whoever connects waits for ever. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface StuckServer {
  stop(): void;
}

export async function startStuckServer(address: string, port: number): Promise<StuckServer> {
  const child = spawn(process.execPath, ["-e", standingStill(address, port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout) await once(child.stdout, "data");
  child.kill("SIGSTOP");
  const fillers = Array.from({ length: 4 }, () => connect(port, address).on("error", () => {}));
  await sleep(200);
  return {
    stop() {
      child.kill("SIGKILL");
      for (const socket of fillers) socket.destroy();
    },
  };
}

const standingStill = (address: string, port: number) => `
  const server = require("node:net").createServer();
  server.listen({ port: ${port}, host: "${address}", backlog: 1 }, () => console.log("up"));
`;
