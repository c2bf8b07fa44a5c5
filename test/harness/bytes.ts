/** Applications that speak no HTTP: each greets whoever connects with its name, in the clear or in TLS, and hangs up. */
import { connect, createServer, type Server, type Socket } from "node:net";
import {
  type ConnectionOptions,
  connect as connectSecurely,
  createServer as createSecureServer,
} from "node:tls";
import { listening } from "./application.ts";
import type { Leaf } from "./certificates.ts";

export interface Greeter {
  stop(): Promise<void>;
}

/** With a certificate it speaks TLS. */
export async function startGreeter(
  name: string,
  address: string,
  port: number,
  certificate?: Leaf,
): Promise<Greeter> {
  const server: Server = certificate
    ? createSecureServer({ cert: certificate.chain, key: certificate.key }, (socket) => {
        socket.on("error", () => undefined).end(name);
      })
    : createServer((socket) => {
        socket.on("error", () => undefined).end(name);
      });
  await listening(server, address, port);
  const open = new Set<Socket>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  return {
    stop() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export interface Hello extends ConnectionOptions {
  /** TLS, for any server certificate unless `ca` is given. */
  readonly secure?: boolean;
  readonly localAddress?: string;
  /** Said at once, without waiting for the greeting. */
  readonly say?: string;
}

export interface Greeting {
  /** Empty where the other side hung up without a word. */
  readonly text: string;
  /** TLS: what was agreed on. */
  readonly protocol?: string | null;
  readonly cipher?: string;
}

/** Connects, listens until the other side hangs up, and tells what it said. Rejects where there is no connection. */
export function greeting(host: string, port: number, hello: Hello = {}): Promise<Greeting> {
  const { secure, say, ...options } = hello;
  return new Promise((resolve, reject) => {
    let text = "";
    let agreed: Omit<Greeting, "text"> = {};
    const socket = secure
      ? connectSecurely(
          { host, port, rejectUnauthorized: options.ca !== undefined, ...options },
          function agree(this: ReturnType<typeof connectSecurely>) {
            agreed = { protocol: this.getProtocol(), cipher: this.getCipher().standardName };
          },
        )
      : connect({
          host,
          port,
          ...(options.localAddress ? { localAddress: options.localAddress } : {}),
        });
    if (say !== undefined) socket.write(say);
    socket.setTimeout(5000, () => socket.destroy(new Error("nothing was said in 5 s")));
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.on("error", reject);
    socket.on("close", () => resolve({ text, ...agreed }));
  });
}
