/** An issuer of tokens: key pairs, what it signs with them, and a server that publishes the public ones. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWK, SignJWT } from "jose";
import { closed, listening } from "./application.ts";

export type Algorithm = "RS256" | "ES256" | "EdDSA";

export interface IssuerKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly publicJwk: JWK;
  /** A token of the issuer; whatever it says can be said otherwise, or not at all with undefined. */
  sign(claims?: Readonly<Record<string, unknown>>): Promise<string>;
}

/** Tokens live this long unless told otherwise, in seconds. */
const LIFETIME = 300;

export async function createIssuerKey(
  issuer: string,
  kid: string,
  algorithm: Algorithm = "ES256",
): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const header = { alg: algorithm, kid };
  return {
    kid,
    algorithm,
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm },
    sign(claims = {}) {
      const now = Math.floor(Date.now() / 1000);
      const payload = { iss: issuer, sub: "somebody", iat: now, exp: now + LIFETIME, ...claims };
      return new SignJWT(payload).setProtectedHeader(header).sign(privateKey);
    },
  };
}

export function keySet(...keys: readonly IssuerKey[]): JSONWebKeySet {
  return { keys: keys.map(({ publicJwk }) => publicJwk) };
}

export interface KeyServer {
  /** `http://<address>:<port>` */
  readonly base: string;
  /** How often a path was asked for. */
  asked(path: string): number;
  stop(): Promise<void>;
}

/** `answers` are by path; an object is JSON that is good for a second. */
export async function startKeyServer(
  address: string,
  port: number,
  answers: Readonly<Record<string, object | RequestListener>>,
): Promise<KeyServer> {
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    counts.set(path, (counts.get(path) ?? 0) + 1);
    const answer = answers[path];
    if (typeof answer === "function") return answer(request, response);
    response.writeHead(answer === undefined ? 404 : 200, {
      "content-type": "application/json",
      "cache-control": "max-age=1",
    });
    response.end(answer === undefined ? "" : JSON.stringify(answer));
  });
  await listening(server, address, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    base: `http://${address}:${bound}`,
    asked: (path) => counts.get(path) ?? 0,
    stop: () => closed(server),
  };
}
