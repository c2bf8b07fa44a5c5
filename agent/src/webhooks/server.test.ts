/** The webhooks' server by itself: what it takes, what it does not, and a certificate that changes. */
import { request } from "node:https";
import type { TLSSocket } from "node:tls";
import { createServerAuthority, issueServerCertificate } from "@heddle/pki";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AgentLog } from "../log.ts";
import { startWebhookServer, type WebhookServer } from "./server.ts";

const errors: string[] = [];
const log: AgentLog = { info() {}, warn() {}, error: (message) => void errors.push(message) };
let server: WebhookServer;
let ca: string;

async function serveAnew(): Promise<string> {
  const now = Date.now();
  const authority = await createServerAuthority("test", { now, lifetime: 60_000 });
  const options = { now, lifetime: 60_000, names: ["127.0.0.1"] };
  const { certificate, key } = await issueServerCertificate(authority, options);
  server.serve(certificate, key);
  return authority.certificate;
}

beforeAll(async () => {
  const handlers = {
    "/echo": (review: unknown) => review as object | undefined,
    "/none": () => undefined,
    "/broken": () => {
      throw new Error("it broke");
    },
  };
  server = await startWebhookServer("127.0.0.1:0", handlers, log);
});
afterAll(() => server.close());

function ask(path: string, body = "{}", method = "POST") {
  return new Promise<{ status: number; text: string; serial: string }>((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port: server.port, path, method, ca, agent: false },
      (response) => {
        const serial = (response.socket as TLSSocket).getPeerCertificate().serialNumber;
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text, serial }));
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

it("has no connection before it has a certificate, and other ones with another", async () => {
  await expect(ask("/echo")).rejects.toThrow();
  ca = await serveAnew();
  const first = await ask("/echo", '{"a":"ü"}');
  expect(first).toMatchObject({ status: 200, text: '{"a":"ü"}' });
  ca = await serveAnew();
  const second = await ask("/echo");
  expect(second.status).toBe(200);
  expect(second.serial).not.toBe(first.serial);
});

it.each([
  ["/elsewhere", "{}", "POST", 404, "There are /echo"],
  ["/echo", "", "GET", 405, "POST"],
  ["/echo", "{", "POST", 400, "no JSON"],
  ["/none", "{}", "POST", 400, "no AdmissionReview"],
  ["/broken", "{}", "POST", 500, "it broke"],
])("answers %s %j by %s with %d, and says why", async (path, body, method, status, text) => {
  const answer = await ask(path, body, method);
  expect(answer.status).toBe(status);
  expect(answer.text).toMatch(/^HDL7281: /);
  expect(answer.text).toContain(text);
  expect(errors.splice(0)).toHaveLength(status === 500 ? 1 : 0);
});

it("does not read more than any review has", async () => {
  const size = 20 * 1024 * 1024;
  const answer = await ask("/echo", `"${"x".repeat(size)}"`).catch((error: Error) => error);
  // What is sent after the answer may break the connection.
  if (answer instanceof Error) expect(answer.message).toMatch(/EPIPE|ECONNRESET/);
  else expect(answer).toMatchObject({ status: 413 });
});
