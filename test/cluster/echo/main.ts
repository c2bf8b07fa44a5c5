/** What answers in a test's pods: the name of its pod, its own environment's `VERSION`, and the path that was asked for. */
import { createServer } from "node:http";
import { hostname } from "node:os";

createServer((request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(
    JSON.stringify({ pod: hostname(), version: process.env["VERSION"], path: request.url }),
  );
}).listen(8080);

// The first process of a container is not ended by a signal that it does not handle.
process.on("SIGTERM", () => process.exit(0));
