import { describe, expect, it, beforeAll, afterAll } from "vitest";
import { createTestPlane, type TestPlane } from "../testing/test-plane.ts";
import { problemKinds } from "./codes.ts";

describe("the HTTP interface", () => {
  let plane: TestPlane;
  beforeAll(async () => {
    plane = await createTestPlane();
    await plane.client.createMesh({ name: "demo" });
  });
  afterAll(() => plane?.close());

  const request = (
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ) =>
    plane.app.request(path, {
      method,
      headers: {
        authorization: `Bearer ${plane.token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
  const codeOf = async (response: Response) => {
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const problem = (await response.json()) as {
      code: string;
      status: number;
      type: string;
      detail: string;
      remedy: string;
    };
    expect(problem.status).toBe(response.status);
    expect(problem.type).toBe(`/docs/errors/${problem.code}`);
    expect(problem.detail.length * problem.remedy.length).toBeGreaterThan(0);
    return `${response.status} ${problem.code}`;
  };

  it("answers unknown paths, wrong methods, malformed bodies and wrong types as problems", async () => {
    expect(await codeOf(await request("GET", "/v1/nothing"))).toBe("404 HDL1001");
    expect(await codeOf(await plane.app.request("/nothing"))).toBe("404 HDL1001");
    const wrong = await request("PUT", "/v1/meshes/demo/apply", "{}");
    expect(wrong.headers.get("allow")).toBe("POST");
    expect(await codeOf(wrong)).toBe("405 HDL1002");
    const list = await request("DELETE", "/v1/meshes");
    expect(list.headers.get("allow")).toBe("GET, POST, HEAD");
    expect(await codeOf(list)).toBe("405 HDL1002");
    expect(await codeOf(await request("POST", "/v1/meshes/demo/apply", "{nope"))).toBe(
      "400 HDL1003",
    );
    expect(await codeOf(await request("POST", "/v1/meshes/demo/apply", '{"files": 1}'))).toBe(
      "400 HDL1004",
    );
    expect(await codeOf(await request("POST", "/v1/meshes/demo/apply", '{"fils": []}'))).toBe(
      "400 HDL1004",
    );
    expect(
      await codeOf(
        await request("POST", "/v1/meshes/demo/apply", "x", { "content-type": "text/plain" }),
      ),
    ).toBe("415 HDL1006");
    expect(await codeOf(await request("GET", "/v1/meshes?limit=0"))).toBe("400 HDL1004");
    expect(await codeOf(await request("GET", "/v1/meshes/demo/revisions/x"))).toBe("400 HDL1004");
  });

  it("refuses bodies above the limit, announced or not", async () => {
    const large = JSON.stringify({ files: [{ name: "a", content: "x".repeat(11_000_000) }] });
    expect(await codeOf(await request("POST", "/v1/meshes/demo/apply", large))).toBe("413 HDL1005");
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(1_000_000));
      },
    });
    const streamed = await plane.app.request("/v1/meshes/demo/apply", {
      method: "POST",
      headers: { authorization: `Bearer ${plane.token}`, "content-type": "application/json" },
      body: stream,
      duplex: "half",
    } as RequestInit);
    expect(await codeOf(streamed)).toBe("413 HDL1005");
  });

  it("carries a request id, the caller's where it has a harmless one, and headers that browsers honour", async () => {
    const own = await request("GET", "/v1/whoami", undefined, { "x-request-id": "abc-1" });
    expect(own.headers.get("x-request-id")).toBe("abc-1");
    expect(own.headers.get("cache-control")).toBe("no-store");
    expect(own.headers.get("x-content-type-options")).toBe("nosniff");
    expect(own.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    const made = await request("GET", "/v1/nothing", undefined, { "x-request-id": "<script>" });
    expect(made.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("says that it is up, and that its database answers", async () => {
    expect(await (await plane.app.request("/healthz")).json()).toMatchObject({ status: "ok" });
    expect(await (await plane.app.request("/readyz")).json()).toMatchObject({
      status: "ok",
      database: { kind: "pglite" },
    });
  });

  it("describes itself in OpenAPI 3.1, without a token, each operation with its security and problems", async () => {
    const response = await plane.app.request("/v1/openapi.json");
    const document = (await response.json()) as {
      openapi: string;
      paths: Record<
        string,
        Record<string, { security?: unknown[]; responses: Record<string, unknown> }>
      >;
      components: { securitySchemes: unknown };
    };
    expect(document.openapi).toBe("3.1.0");
    expect(document.components.securitySchemes).toEqual({
      bearer: { type: "http", scheme: "bearer" },
    });
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        "/v1/whoami",
        "/v1/meshes/{mesh}/apply",
        "/v1/meshes/{mesh}/objects/{group}/{kind}/{namespace}/{name}",
      ]),
    );
    for (const [path, operations] of Object.entries(document.paths))
      for (const [method, operation] of Object.entries(operations))
        expect(operation.responses, `${method} ${path}`).toHaveProperty("default");
  });

  it("has a page for each of its codes", async () => {
    for (const code of Object.keys(problemKinds)) {
      const page = await plane.app.request(`/docs/errors/${code}`);
      expect(await page.text()).toContain(code);
    }
    expect(await codeOf(await plane.app.request("/docs/errors/HDL0000"))).toBe("404 HDL1001");
  });
});
