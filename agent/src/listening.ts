/** A server that listens, and how it ends. */
import type { Server as HttpServer } from "node:http";
import type { Server as HttpsServer } from "node:https";

export interface Listening {
  /** The one that it has, also where it might have any. */
  readonly port: number;
  /** Ends open connections too. */
  close(): Promise<void>;
}

/** Rejects with what `refusal` makes of the reason where the address cannot be had. */
export async function listen(
  server: HttpServer | HttpsServer,
  { host, port }: { readonly host: string; readonly port: number },
  refusal: (reason: Error) => Error,
): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (reason) => reject(refusal(reason)));
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
