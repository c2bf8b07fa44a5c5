/** The plane as one process on Node: `startPlane` opens everything and listens. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { createPlane, type PlaneOptions } from "./node/create-plane.ts";
import { listenError } from "./node/start-error.ts";
import { attachSync } from "./sync/attach-sync.ts";
import { canJoin } from "./sync/enrollment.ts";

export { createPlane, type Plane, type PlaneOptions } from "./node/create-plane.ts";
export { PlaneStartError } from "./node/start-error.ts";
export { createTenant } from "./tenancy/service.ts";

export interface StartOptions extends PlaneOptions {
  /** 0 takes any that is free. */
  readonly port: number;
  /** `127.0.0.1` unless told. */
  readonly host?: string;
}

export interface RunningPlane {
  /** Without a trailing slash. */
  readonly url: string;
  readonly port: number;
  readonly adminToken: string;
  /** Where the token is kept, readable by its owner alone. */
  readonly adminTokenFile: string;
  /** Whether an agent can still join with this token at that time, milliseconds since 1970. */
  canJoin(joinToken: string, at: number): Promise<boolean>;
  /** Ends connections, then the database. What was answered is kept. */
  close(): Promise<void>;
}

/** Requests that are under way at the end get this long, milliseconds. */
const GRACE = 1_000;

/** HDL1060 (directory in use), HDL1061 (migrations), HDL1062 (port in use), and the other codes of `PlaneStartError`. */
export async function startPlane(options: StartOptions): Promise<RunningPlane> {
  const host = options.host ?? "127.0.0.1";
  const plane = await createPlane(options);
  const server = createAdaptorServer({
    fetch: plane.app.fetch,
    // The process may hold other things than the plane, whose fetch must stay what it is.
    overrideGlobalObjects: false,
  }) as Server;
  const sync = attachSync(server, plane.deps, plane.rooms);
  try {
    await listen(server, host, options.port);
  } catch (error) {
    await sync.close();
    await plane.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    adminToken: plane.adminToken,
    adminTokenFile: plane.adminTokenFile,
    canJoin: (joinToken, at) => canJoin(plane.deps, joinToken, at),
    close: () =>
      (closing ??= (async () => {
        await sync.close();
        await stop(server);
        await plane.close();
      })()),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, host, port)));
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), GRACE);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
