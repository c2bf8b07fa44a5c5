/** For tests: what stands before a Neon database, WebSocket in and TCP out (`/v2?address=host:port`). */
import { createServer } from "node:http";
import { connect } from "node:net";
import { WebSocketServer } from "ws";

export interface NeonProxy {
  /** `host:port/path`, as the driver wants it. */
  readonly address: string;
  /** Connections so far. */
  connections(): number;
  close(): Promise<void>;
}

export async function startNeonProxy(): Promise<NeonProxy> {
  const server = createServer((_, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server, path: "/v2", perMessageDeflate: false });
  let connections = 0;
  sockets.on("connection", (socket, request) => {
    connections++;
    const address = new URL(request.url ?? "", "http://proxy").searchParams.get("address") ?? "";
    const [host, port] = address.split(":");
    const database = connect({ host: host ?? "", port: Number(port), noDelay: true });
    socket.on("message", (data: Buffer) => database.write(data));
    database.on("data", (data) => socket.readyState === socket.OPEN && socket.send(data));
    database.on("close", () => socket.close());
    database.on("error", () => socket.close());
    socket.on("close", () => database.destroy());
    socket.on("error", () => database.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    address: `127.0.0.1:${port}/v2`,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
