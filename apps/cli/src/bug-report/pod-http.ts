/** Asks what listens on a pod's own loopback, through the API server: `kubectl port-forward` for one request. */
import http from "node:http";
import { Duplex, PassThrough } from "node:stream";
import type { PortForwarding } from "@heddle/agent/kubernetes";

/** A proxy with a large configuration takes a while to print it, milliseconds. */
const WITHIN = 30_000;

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** The body of the answer. Rejects where there is none, or another status than 200. */
export function askPod(
  forward: PortForwarding,
  { namespace, pod, port }: PodPort,
  path: string,
): Promise<string> {
  const [sent, received, failure] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const connection = Duplex.from({ writable: sent, readable: received });
  return new Promise<string>((resolve, reject) => {
    const close = forward({ namespace, pod, port, output: received, failure, input: sent });
    const end = (error?: Error) => {
      clearTimeout(timer);
      request.destroy();
      connection.destroy();
      void close.then(
        (stop) => stop(),
        () => {},
      );
      if (error) reject(error);
    };
    const timer = setTimeout(() => end(new Error(`no answer within ${WITHIN / 1000} s`)), WITHIN);
    close.catch((error: unknown) => end(error instanceof Error ? error : new Error(String(error))));
    // What the kubelet says where nothing listens there.
    failure.on("data", (said: Buffer) => end(new Error(said.toString().trim())));
    const request = http.get(
      {
        path,
        host: "127.0.0.1",
        port,
        headers: { connection: "close" },
        createConnection: () => connection,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", end);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          if (response.statusCode === 200) resolve(text);
          end(
            response.statusCode === 200
              ? undefined
              : new Error(`status ${response.statusCode}: ${text.slice(0, 200)}`),
          );
        });
      },
    );
    request.on("error", end);
    connection.on("error", end);
  });
}
