/**
 * What answers in a test's pods, with its own environment's `STATUS`, or by turns with each of `200,500`: the name of its pod, its environment's `VERSION`, the path that was asked
 * for, and who its proxy says has asked. On a port beside it says the name of its pod to whoever connects.
 */
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { hostname } from "node:os";

const statuses = (process.env["STATUS"] ?? "200").split(",").map(Number);
let asked = 0;
const server = createServer((request, response) => {
  response.writeHead(statuses[asked++ % statuses.length] ?? 200, {
    "content-type": "application/json",
  });
  response.end(
    JSON.stringify({
      pod: hostname(),
      version: process.env["VERSION"],
      path: request.url,
      peer: request.headers["x-forwarded-client-cert"],
    }),
  );
});
// A request that comes while an idle connection is closed is lost with it: whoever asks ends them.
server.keepAliveTimeout = 0;
server.listen(8080);

createTcpServer((socket) => socket.on("error", () => socket.destroy()).end(hostname())).listen(
  9000,
);

// The first process of a container is not ended by a signal that it does not handle.
process.on("SIGTERM", () => process.exit(0));
