import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { createClient } from "./client.ts";
import { HeddleApiError } from "./heddle-api-error.ts";

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

let stop: (() => void) | undefined;
afterEach(() => stop?.());

/** A server that gives one answer after the other, and the last one again and again. */
async function serve(...answers: Answer[]) {
  const seen: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[] =
    [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      seen.push({
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        body,
      });
      answers[Math.min(seen.length, answers.length) - 1]?.(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stop = () => {
    server.closeAllConnections();
    server.close();
  };
  const { port } = server.address() as { port: number };
  return { seen, client: createClient({ baseUrl: `http://127.0.0.1:${port}/`, token: "t" }) };
}

const json =
  (value: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    response
      .writeHead(status, { "content-type": "application/json", ...headers })
      .end(JSON.stringify(value));

describe("the client", () => {
  it("sends token, query and body, and escapes what stands in paths", async () => {
    const { seen, client } = await serve(json({ items: [] }));
    await client.objectsPage("a/b", { kind: "Gateway", limit: 5, cursor: undefined });
    await client.putObject(
      "m",
      "g.io/Kind/ns/na me",
      { x: 1 },
      { ifRevision: 3, strict: true, idempotencyKey: "k" },
    );
    expect(seen[0]).toMatchObject({
      method: "GET",
      url: "/v1/meshes/a%2Fb/objects?kind=Gateway&limit=5",
    });
    expect(seen[0]?.headers.authorization).toBe("Bearer t");
    expect(seen[1]).toMatchObject({
      method: "PUT",
      url: "/v1/meshes/m/objects/g.io/Kind/ns/na%20me?strict=true",
      body: '{"x":1}',
      headers: { "if-match": '"3"', "idempotency-key": "k", "content-type": "application/json" },
    });
  });

  it("throws a refusal with its problem, and makes one of an answer that is none", async () => {
    const problem = {
      type: "/p",
      title: "T",
      status: 422,
      detail: "why",
      code: "HDL1040",
      diagnostics: [],
    };
    const { client } = await serve(json(problem, 422, { "x-request-id": "r1" }), (_, response) =>
      response.writeHead(400).end("<html>"),
    );
    const error = await client.apply("m", {}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HeddleApiError);
    expect(error).toMatchObject({
      code: "HDL1040",
      status: 422,
      message: "why",
      problem,
      requestId: "r1",
    });
    await expect(client.apply("m", {})).rejects.toMatchObject({
      code: "",
      status: 400,
      message: "Bad Request",
    });
  });

  it("asks again for a GET that may pass, and never repeats a write", async () => {
    const unavailable = json({ title: "no", status: 503, code: "HDL1050" }, 503);
    const reads = await serve(unavailable, unavailable, json({ name: "m" }));
    expect(await reads.client.getMesh("m")).toEqual({ name: "m" });
    expect(reads.seen).toHaveLength(3);
    stop?.();
    const writes = await serve(unavailable, json({}));
    await expect(writes.client.apply("m", {})).rejects.toMatchObject({ status: 503 });
    expect(writes.seen).toHaveLength(1);
    stop?.();
    const refused = await serve(json({ status: 404, code: "HDL1020" }, 404));
    await expect(refused.client.getMesh("m")).rejects.toMatchObject({ code: "HDL1020" });
    expect(refused.seen).toHaveLength(1);
  });

  it("gives up with fetch's own error where nobody answers, and at once where it is aborted", async () => {
    const client = createClient({ baseUrl: "http://127.0.0.1:1", retries: 1 });
    await expect(client.whoAmI()).rejects.toBeInstanceOf(TypeError);
    const endless = createClient({ baseUrl: "http://127.0.0.1:1", retries: 1000 });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    await expect(endless.getMesh("m", abort.signal)).rejects.toMatchObject({ name: "AbortError" });
  });

  it("walks a list to its end", async () => {
    const { seen, client } = await serve(
      json({ items: [{ key: "a" }, { key: "b" }], next: "c1" }),
      json({ items: [{ key: "c" }] }),
    );
    const keys = [];
    for await (const { key } of client.listObjects("m")) keys.push(key);
    expect(keys).toEqual(["a", "b", "c"]);
    expect(seen.map(({ url }) => url)).toEqual([
      "/v1/meshes/m/objects?limit=500",
      "/v1/meshes/m/objects?cursor=c1&limit=500",
    ]);
  });

  it("reads events however they are cut, with names, ids, comments and any line end", async () => {
    const text =
      ': hello\n\nevent: revision\nid: 7\ndata: {"n":\ndata: 1}\n\r\ndata:ä\r\n\r\nevent: empty\n\ndata: last\n\n';
    const { client } = await serve((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const bytes = Buffer.from(text);
      let at = 0;
      const timer = setInterval(() => {
        if (at >= bytes.length) {
          clearInterval(timer);
          response.end();
        } else response.write(bytes.subarray(at, (at += 3)));
      }, 1);
    });
    const events = [];
    for await (const event of client.events("m")) events.push(event);
    expect(events).toEqual([
      { event: "revision", data: '{"n":\n1}', id: "7" },
      { event: "message", data: "ä", id: "7" },
      { event: "message", data: "last", id: "7" },
    ]);
  });
});
