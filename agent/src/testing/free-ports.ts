import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Where Linux takes no port of its own accord for a connection that goes out (32768 and up), and Kubernetes none for a Service
 * (30000 and up): what ends and listens on its port once more finds it free.
 */
const RANGE = { from: 16_384, to: 30_000 };
const TRIES = 100;

/** Ports of loopback that were free a moment ago; all differ. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries++) {
    if (tries === count + TRIES) throw new Error(`no ${count} ports are free`);
    const port = RANGE.from + Math.floor(Math.random() * (RANGE.to - RANGE.from));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    return false;
  }
  await new Promise((resolve) => server.close(resolve));
  return true;
}
