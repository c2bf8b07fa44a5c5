import { describe, expect, test } from "vitest";
import type { CheckedRequest } from "./checked-request.ts";
import { requestCheck } from "./request-check.ts";

const PETS = `
openapi: 3.1.0
servers: [{url: /v1}]
paths:
  /pets:
    get:
      parameters:
        - {name: limit, in: query, schema: {type: integer, maximum: 100}}
        - {name: tags, in: query, schema: {type: array, items: {type: integer}}}
        - {name: ids, in: query, style: pipeDelimited, schema: {type: array, items: {type: string, minLength: 2}}}
        - {name: filter, in: query, style: deepObject, schema: {type: object, properties: {age: {type: integer}}, additionalProperties: false}}
        - {name: at, in: query, content: {application/json: {schema: {type: object, required: [x]}}}}
        - {name: X-Trace, in: header, required: true, schema: {type: string, format: uuid}}
        - {name: session, in: cookie, schema: {type: string, pattern: "^[a-z]+$"}}
    post:
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: "#/components/schemas/pet"}}
          application/x-www-form-urlencoded: {schema: {$ref: "#/components/schemas/pet"}}
          image/*: {}
  /pets/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get: {}
  /pets/mine: {get: {}}
  /pages/page-{number}.html:
    get: {parameters: [{name: number, in: path, required: true, schema: {type: integer}}]}
components:
  schemas:
    pet:
      type: object
      required: [id, name]
      properties:
        id: {type: integer, readOnly: true}
        name: {type: string, maxLength: 5}
        age: {type: [integer, "null"], exclusiveMinimum: 0}
        of: {$ref: "#/components/schemas/pet"}
      additionalProperties: false
`;

const check = requestCheck(PETS);
const TRACE = { "x-trace": "6f1c2f1e-3c5c-4b43-9d5a-0d3c2f3a1b11" };
const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };

function ask(
  target: string,
  {
    headers = TRACE,
    body = "",
    partial = false,
  }: { headers?: Record<string, string>; body?: string; partial?: boolean } = {},
): string {
  const [method = "", path = ""] = target.split(" ");
  const request: CheckedRequest = {
    ...{ method, path, headers, partial },
    body: new TextEncoder().encode(body),
  };
  const refused = check(request);
  return refused ? `${refused.status} ${refused.operation}: ${refused.place}` : "passed";
}

const post = (body: unknown, headers: Record<string, string> = JSON_TYPE) =>
  ask("POST /v1/pets", {
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

describe("a request", () => {
  test.each([
    ["GET /v1/pets", "passed"],
    ["HEAD /v1/pets", "passed"],
    ["GET /v1/pets/7", "passed"],
    ["GET /v1/pets/mine", "passed"],
    ["GET /v1/pages/page-3.html", "passed"],
    ["GET /pets", "404 GET *: path"],
    ["GET /v1/pets/", "404 GET *: path"],
    ["GET /v1/PETS", "404 GET *: path"],
    ["GET /v1/pets/7/8", "404 GET *: path"],
    ["GET /v1/pets/x", "400 GET /v1/pets/{id}: path.id"],
    ["GET /v1/pets/7%2F8", "400 GET /v1/pets/{id}: path.id"],
    ["GET /v1/pets/%ff", "400 GET *: path"],
    ["GET /v1/pages/page-x.html", "400 GET /v1/pages/page-{number}.html: path.number"],
    ["DELETE /v1/pets", "405 DELETE /v1/pets: method"],
    ["GET /v1/pets?limit=100", "passed"],
    ["GET /v1/pets?limit=101", "400 GET /v1/pets: query.limit"],
    ["GET /v1/pets?limit=0x10", "400 GET /v1/pets: query.limit"],
    ["GET /v1/pets?limit=1&limit=2", "400 GET /v1/pets: query.limit"],
    ["GET /v1/pets?l%69mit=101", "400 GET /v1/pets: query.limit"],
    ["GET /v1/pets?tags=1&tags=2", "passed"],
    ["GET /v1/pets?tags=1&tags=x", "400 GET /v1/pets: query.tags/1"],
    ["GET /v1/pets?ids=ab%7Ccd", "passed"],
    ["GET /v1/pets?ids=ab|c", "400 GET /v1/pets: query.ids/1"],
    ["GET /v1/pets?filter[age]=3", "passed"],
    ["GET /v1/pets?filter[age]=x", "400 GET /v1/pets: query.filter/age"],
    ["GET /v1/pets?filter[a]=3", "400 GET /v1/pets: query.filter"],
    ["GET /v1/pets?filter[age]=3&filter[age]=4", "400 GET /v1/pets: query.filter"],
    ['GET /v1/pets?at={"x":1}', "passed"],
    ["GET /v1/pets?at={}", "400 GET /v1/pets: query.at"],
    ["GET /v1/pets?at={", "400 GET /v1/pets: query.at"],
    ["GET /v1/pets?%ff=1", "400 GET /v1/pets: query"],
    ["GET /v1/pets?other=1", "passed"],
  ])("%s: %s", (target, says) => expect(ask(target)).toBe(says));

  test("has the headers and cookies that are described", () => {
    expect(ask("GET /v1/pets", { headers: {} })).toBe("400 GET /v1/pets: header.X-Trace");
    expect(ask("GET /v1/pets", { headers: { "x-trace": "1" } })).toBe(
      "400 GET /v1/pets: header.X-Trace",
    );
    const cookie = (value: string) =>
      ask("GET /v1/pets", { headers: { ...TRACE, cookie: `a=1; session=${value}` } });
    expect(cookie("abc")).toBe("passed");
    expect(cookie("ABC")).toBe("400 GET /v1/pets: cookie.session");
    expect(cookie("abc; session=ABC")).toBe("400 GET /v1/pets: cookie.session");
  });

  test("has a body as described, of a type that is", () => {
    expect(post({ name: "tom" })).toBe("passed");
    expect(post({ name: "tom", age: null, of: { name: "ann", age: 1 } })).toBe("passed");
    expect(post({ name: "thomas" })).toBe("400 POST /v1/pets: body/name");
    expect(post({ name: "tom", age: 0 })).toBe("400 POST /v1/pets: body/age");
    expect(post({ name: "tom", of: { name: "ann", admin: true } })).toBe(
      "400 POST /v1/pets: body/of",
    );
    expect(post({})).toBe("400 POST /v1/pets: body");
    expect(post("")).toBe("400 POST /v1/pets: body");
    expect(post("{")).toBe("400 POST /v1/pets: body");
    expect(post({ name: "tom" }, {})).toBe("415 POST /v1/pets: header.content-type");
    expect(post({ name: "tom" }, { "content-type": "text/plain" })).toBe(
      "415 POST /v1/pets: header.content-type",
    );
    expect(post("anything", { "content-type": "image/png" })).toBe("passed");
    expect(post({ name: "tom" }, { ...JSON_TYPE, "content-encoding": "gzip" })).toBe(
      "415 POST /v1/pets: header.content-encoding",
    );
    expect(ask("GET /v1/pets", { body: "{}" })).toBe("400 GET /v1/pets: body");
    expect(ask("POST /v1/pets", { headers: JSON_TYPE, body: "{", partial: true })).toBe(
      "413 POST /v1/pets: body",
    );
  });

  test("has a form as described", () => {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    expect(post("name=tom&age=3", form)).toBe("passed");
    expect(post("name=tom&age=x", form)).toBe("400 POST /v1/pets: body/age");
    expect(post("name=tom&name=ann", form)).toBe("400 POST /v1/pets: body");
  });
});

test("a refusal says what must be, and never what was; nor does it write lines of a log", () => {
  const refused = check({
    ...{ method: "POST", path: "/v1/pets", headers: JSON_TYPE, partial: false },
    body: new TextEncoder().encode(JSON.stringify({ name: "geheimnis" })),
  });
  expect(refused?.reason).toBe("must NOT have more than 5 characters");
  expect(JSON.stringify(refused)).not.toContain("geheimnis");
  const named = requestCheck(`
openapi: 3.1.0
paths:
  /: {post: {requestBody: {content: {application/json: {schema: {additionalProperties: {type: integer}}}}}}}`);
  const place = named({
    ...{ method: "POST", path: "/", headers: JSON_TYPE, partial: false },
    body: new TextEncoder().encode(JSON.stringify({ [`a\n${"b".repeat(500)}`]: "x" })),
  })?.place;
  expect(place).toMatch(/^body\/a\?b+$/);
  expect(place).toHaveLength(200);
});

test("documents of 3.0 are read by its own words", () => {
  const check30 = requestCheck(`
openapi: 3.0.3
paths:
  /:
    post:
      requestBody:
        content:
          application/json:
            schema: {$ref: "#/components/schemas/n"}
components:
  schemas:
    n:
      type: object
      properties:
        a: {type: integer, minimum: 3, exclusiveMinimum: true, nullable: true}
        b: {$ref: "#/components/schemas/m", maxLength: 1}
        example: {type: string}
    m: {type: string}`);
  const says = (value: unknown) =>
    check30({
      ...{ method: "POST", path: "/", headers: JSON_TYPE, partial: false },
      body: new TextEncoder().encode(JSON.stringify(value)),
    })?.place ?? "passed";
  expect(says({ a: 4, b: "long", example: "x" })).toBe("passed");
  expect(says({ a: null })).toBe("passed");
  expect(says({ a: 3 })).toBe("body/a");
  expect(says({ example: 3 })).toBe("body/example");
});
