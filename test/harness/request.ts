/** Requests of tests: any authority, through any proxy, one connection each. */
import { request as send, type RequestOptions } from "node:http";
import { request as sendSecurely } from "node:https";
import type { Echo } from "./application.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The request as the application saw it. */
  echo(): Echo;
}

export interface Asking extends RequestOptions {
  readonly body?: string;
  readonly secure?: boolean;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** `host:port` is where the request goes, `authority` what its Host header says. */
export function ask(
  host: string,
  port: number,
  authority: string,
  path: string,
  asking: Asking = {},
): Promise<Answer> {
  const { body, secure, headers, ...rest } = asking;
  const options = {
    host,
    port,
    path,
    agent: false as const,
    ...rest,
    headers: { ...headers, host: authority },
  };
  return new Promise((resolve, reject) => {
    const request = (secure ? sendSecurely : send)(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(
            Object.entries(response.headers).map(([key, value]) => [key, String(value)]),
          ),
          body: text,
          echo: () => JSON.parse(text) as Echo,
        });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}
