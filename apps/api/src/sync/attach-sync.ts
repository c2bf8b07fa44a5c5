/** Takes WebSocket upgrades of a Node server at `/v1/sync` into the in-process rooms. */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { HEARTBEAT, MAX_FRAME_BYTES, replicaId } from "@heddle/sync";
import { WebSocketServer, type WebSocket } from "ws";
import type { AppDeps } from "../deps.ts";
import { asProblem } from "../http/failures.ts";
import { problem, type ProblemError } from "../http/problem.ts";
import { authenticate } from "../tenancy/authenticate.ts";
import { agentOf, standingTokens, TOKEN_BELIEVED_FOR } from "./agent-identity.ts";
import type { InProcessRooms } from "./in-process-rooms.ts";
import { CLOSE } from "./room-driver.ts";

/** A socket that has sent nothing for so long is dead, milliseconds. */
const SILENT_AFTER = HEARTBEAT * 2.5;

/** Returns what detaches it and ends every socket. */
export function attachSync(
  server: Server,
  deps: Pick<AppDeps, "db" | "clock" | "log">,
  rooms: InProcessRooms,
): { close(): Promise<void> } {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  });
  const open = new Map<WebSocket, { readonly token: string; heard: number }>();
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = new URL(request.url ?? "/", "http://plane");
    if (url.pathname !== "/v1/sync")
      return refuse(socket, problem("HDL1001", `There is no WebSocket at ${url.pathname}.`));
    socket.on("error", () => socket.destroy());
    void admit(deps, request, url).then(
      ({ mesh, agent, token }) =>
        sockets.handleUpgrade(request, socket, head, (opened) => {
          const entry = { token, heard: Date.now() };
          open.set(opened, entry);
          opened.on("message", () => (entry.heard = Date.now()));
          opened.on("close", () => open.delete(opened));
          rooms.join(mesh, agent, opened);
        }),
      (error: unknown) => {
        const known = asProblem(error);
        if (known.code === "HDL1000")
          deps.log.error("an agent's connection failed", { error: String(error) });
        refuse(socket, known);
      },
    );
  };
  server.on("upgrade", onUpgrade);
  const sweep = setInterval(() => {
    for (const [socket, { heard }] of open)
      if (Date.now() - heard > SILENT_AFTER) socket.terminate();
  }, HEARTBEAT);
  sweep.unref();
  const dismiss = async () => {
    const standing = await standingTokens(deps, [
      ...new Set([...open.values()].map(({ token }) => token)),
    ]);
    for (const [socket, { token }] of open)
      if (!standing.has(token)) socket.close(CLOSE.refused, "HDL7011");
  };
  const check = setInterval(() => {
    // A database that does not answer says nothing about a token.
    dismiss().catch((error: unknown) =>
      deps.log.warn("agents' tokens could not be looked at again", { error: String(error) }),
    );
  }, TOKEN_BELIEVED_FOR);
  check.unref();
  return {
    async close() {
      server.off("upgrade", onUpgrade);
      clearInterval(sweep);
      clearInterval(check);
      sockets.close();
      await rooms.close();
    },
  };
}

async function admit(
  deps: Pick<AppDeps, "db" | "clock" | "log">,
  request: IncomingMessage,
  url: URL,
) {
  const token =
    /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "")?.[1] ??
    url.searchParams.get("access_token");
  if (!token) throw problem("HDL1010", "GET /v1/sync needs a token.");
  // `authenticate` reads only these of the plane's dependencies.
  const actor = await authenticate(deps as AppDeps, token);
  const found = await agentOf(deps, actor, url.searchParams.get("mesh") ?? undefined);
  const id = replicaId(found.agent.id, url.searchParams.get("replica"));
  return { ...found, agent: { ...found.agent, id } };
}

function refuse(socket: Duplex, { problem: document }: ProblemError): void {
  const body = JSON.stringify(document);
  socket.end(
    `HTTP/1.1 ${document.status} ${document.title}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
