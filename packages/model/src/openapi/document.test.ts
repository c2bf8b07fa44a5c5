import { describe, expect, test } from "vitest";
import { readOpenApi } from "./document.ts";

const PETS = `
openapi: 3.1.0
info: {title: Pets, version: "1"}
servers: [{url: "https://pets.example/{stage}/", variables: {stage: {default: v1}}}]
paths:
  /pets/{id}:
    parameters: [{$ref: "#/components/parameters/id"}]
    get: {}
    put:
      requestBody: {$ref: "#/components/requestBodies/pet"}
  /pets/mine:
    get:
      parameters:
        - {name: tags, in: query, schema: {type: array, items: {type: integer}}}
        - {name: Authorization, in: header, schema: {type: string}}
components:
  parameters:
    id: {name: id, in: path, required: true, schema: {type: integer}}
  requestBodies:
    pet:
      required: true
      content:
        application/*: {}
        application/json; charset=utf-8: {schema: {$ref: "#/components/schemas/pet"}}
  schemas:
    pet: {type: object, properties: {name: {type: string, pattern: "^[a-z]+$"}, of: {$ref: "#/components/schemas/pet"}}}
`;

test("reads operations behind servers and references, paths without parameters first", () => {
  const { document, problems } = readOpenApi(PETS);
  expect(problems).toEqual([]);
  expect(document?.version).toBe("3.1");
  const types = { own: [], items: [], properties: {} };
  const id = { name: "id", in: "path", required: true, style: "simple", explode: false };
  const parameter = {
    ...{ ...id, types: { ...types, own: ["integer"] } },
    schema: "#/components/parameters/id/schema",
  };
  expect(document?.operations).toEqual([
    {
      path: "/v1/pets/mine",
      method: "GET",
      parameters: [
        {
          ...{ name: "tags", in: "query", required: false, style: "form", explode: true },
          schema: "#/paths/~1pets~1mine/get/parameters/0/schema",
          types: { ...types, own: ["array"], items: ["integer"] },
        },
      ],
    },
    { path: "/v1/pets/{id}", method: "GET", parameters: [parameter] },
    {
      path: "/v1/pets/{id}",
      method: "PUT",
      parameters: [parameter],
      body: {
        required: true,
        content: [
          {
            type: "application/json",
            schema:
              "#/components/requestBodies/pet/content/application~1json%3B%20charset%3Dutf-8/schema",
            types: { ...types, own: ["object"], properties: { name: ["string"], of: ["object"] } },
          },
          { type: "application/*", types },
        ],
      },
    },
  ]);
});

test("reads JSON as it reads YAML", () => {
  const document = { openapi: "3.0.3", info: {}, paths: { "/a": { get: {} } } };
  expect(readOpenApi(JSON.stringify(document)).document?.operations).toEqual([
    { path: "/a", method: "GET", parameters: [] },
  ]);
});

describe("says what is wrong, and where", () => {
  const HEAD = "openapi: 3.1.0\n";
  const wrong: Record<string, [text: string, code: string, line: number, says: RegExp]> = {
    "text that is no YAML": ["openapi: [", "HDL0061", 1, /line 1/],
    "several documents": [`${HEAD}---\n${HEAD}`, "HDL0061", 1, /2 documents/],
    "a list": ["- a", "HDL0061", 1, /not an object/],
    "another version": ['info: {}\nswagger: "2.0"', "HDL0061", 2, /version 2.0/],
    "no version": ["info: {}", "HDL0061", 1, /does not say/],
    "a path without a slash": [`${HEAD}paths:\n  pets: {}`, "HDL0062", 3, /begins with/],
    "a method that is no object": [`${HEAD}paths:\n  /a:\n    get: 5`, "HDL0062", 4, /object/],
    "a type that there is none of": [
      `${HEAD}components:\n  schemas:\n    a:\n      properties:\n        b: {type: int}`,
      "HDL0062",
      6,
      /null, boolean/,
    ],
    "a parameter of the path that nothing describes": [
      `${HEAD}paths:\n  /a/{id}:\n    get: {}`,
      "HDL0062",
      4,
      /\{id\}/,
    ],
    "a parameter that does not stand in the path": [
      `${HEAD}paths:\n  /a:\n    get:\n      parameters: [{name: id, in: path}]`,
      "HDL0062",
      4,
      /does not stand/,
    ],
    "two parameters in one step": [`${HEAD}paths:\n  "/{a}{b}": {}`, "HDL0062", 3, /more than one/],
    "an object in the query that is spread over it": [
      `${HEAD}paths:\n  /a:\n    get:\n      parameters:\n        - {name: o, in: query, schema: {type: object}}`,
      "HDL0062",
      6,
      /object in style form, exploded/,
    ],
    "a style that cannot be read": [
      `${HEAD}paths:\n  /a:\n    get:\n      parameters:\n        - {name: o, in: query, style: matrix}`,
      "HDL0062",
      6,
      /style/,
    ],
    "a reference to another file": [
      `${HEAD}components:\n  schemas:\n    a: {$ref: "b.yaml#/c"}`,
      "HDL0063",
      4,
      /out of the document/,
    ],
    "a reference to nothing": [
      `${HEAD}components:\n  schemas:\n    a: {$ref: "#/components/schemas/b"}`,
      "HDL0063",
      4,
      /leads nowhere/,
    ],
    "a reference to something else": [
      `${HEAD}paths:\n  /a:\n    get:\n      parameters: [{$ref: "#/openapi"}]`,
      "HDL0062",
      5,
      /refers to is none/,
    ],
    "a reference for the whole": [`${HEAD}$ref: "#/a"`, "HDL0062", 2, /not followed/],
    "references in a circle": [
      `${HEAD}components:\n  schemas:\n    a: {$ref: "#/components/schemas/b"}\n    b: {$ref: "#/components/schemas/a"}`,
      "HDL0063",
      4,
      /back to itself/,
    ],
    "an anchor": [
      `${HEAD}components:\n  schemas:\n    a: {$id: "b"}`,
      "HDL0062",
      4,
      /not followed/,
    ],
    "a pattern that is none": [
      `${HEAD}components:\n  schemas:\n    a: {pattern: "[a"}`,
      "HDL0064",
      4,
      /regular expression/,
    ],
  };
  for (const [what, [text, code, line, says]] of Object.entries(wrong)) {
    test(what, () => {
      const { document, problems } = readOpenApi(text);
      expect(document).toBeUndefined();
      expect(problems[0]).toMatchObject({ code, line, message: expect.stringMatching(says) });
    });
  }

  test("names of properties are no keywords, and examples no schemas", () => {
    const text = `${HEAD}
components:
  schemas:
    a:
      properties: {$ref: {type: string}, pattern: {type: string}, $id: {type: string}}
      example: {$ref: "not one"}`;
    expect(readOpenApi(text).problems).toEqual([]);
  });
});
