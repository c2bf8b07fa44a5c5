/** Servers that proxies ask whether a request or a connection may go on, by HTTP and by Envoy's own protocol. */
import { Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { decode, encode } from "@heddle/envoy";
import type { CheckRequest, CheckResponse } from "@heddle/envoy/service/auth/v3";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { closed, listening } from "./application.ts";

/** What a server was asked. */
export interface Asked {
  /** The server's. */
  readonly name: string;
  /** Empty for a connection, as all below. */
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body came as bytes and not as text; by Envoy's protocol alone. */
  readonly packed?: boolean;
  /** By Envoy's protocol alone. */
  readonly source?: string | undefined;
}

export interface Reply {
  /** With headers that the request goes on with, or that the caller gets. */
  readonly allowed: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a no; 403 without it. */
  readonly status?: number;
  readonly delayMs?: number;
}

export interface Authorizer {
  stop(): Promise<void>;
}

export type Decide = (asked: Asked) => Reply;

export async function startHttpAuthorizer(
  name: string,
  address: string,
  port: number,
  decide: Decide,
): Promise<Authorizer> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const reply = decide({ name, method, url, headers, body });
      setTimeout(() => {
        response.writeHead(reply.allowed ? 200 : (reply.status ?? 403), { ...reply.headers });
        response.end(reply.allowed ? "welcome" : "");
      }, reply.delayMs ?? 0);
    });
  });
  await listening(server, address, port);
  return { stop: () => closed(server) };
}

const CHECK = {
  path: "/envoy.service.auth.v3.Authorization/Check",
  requestStream: false,
  responseStream: false,
  requestSerialize: (bytes: Buffer) => bytes,
  requestDeserialize: (bytes: Buffer) => decode("envoy.service.auth.v3.CheckRequest", bytes),
  responseSerialize: (answer: CheckResponse) =>
    Buffer.from(encode("envoy.service.auth.v3.CheckResponse", answer)),
  responseDeserialize: (bytes: Buffer) => bytes,
};

/** Google's code for a permission that was denied. */
const PERMISSION_DENIED = 7;

export async function startGrpcAuthorizer(
  name: string,
  address: string,
  port: number,
  decide: Decide,
): Promise<Authorizer> {
  const server = new GrpcServer();
  const answer = (
    { request }: { request: CheckRequest },
    done: (error: null, answer: CheckResponse) => void,
  ) => {
    const { http = {} } = request.attributes?.request ?? {};
    const { method = "", path: url = "", headers = {}, body = "", rawBody } = http;
    const packed = rawBody !== undefined && rawBody !== "";
    const reply = decide({
      ...{ name, method, url, headers, packed },
      body: packed ? Buffer.from(String(rawBody), "base64").toString() : body,
      source: request.attributes?.source?.address?.socketAddress?.address,
    });
    setTimeout(() => done(null, responseOf(reply)), reply.delayMs ?? 0);
  };
  server.addService({ Check: CHECK }, { Check: answer });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`${address}:${port}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  return {
    stop() {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

function responseOf({ allowed, headers: given = {}, status }: Reply): CheckResponse {
  const headers = Object.entries(given).map(([key, value]) => ({ header: { key, value } }));
  if (allowed) return { status: { code: 0 }, okResponse: { headers } };
  return {
    status: { code: PERMISSION_DENIED },
    deniedResponse: {
      status: { code: status === 401 ? "Unauthorized" : "Forbidden" },
      headers,
    },
  };
}
