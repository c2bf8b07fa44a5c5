/** What a Gateway may not ask for. */
import { parseObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { refuses } from "../proves.ts";

const problems = (port: object) =>
  parseObject({
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { name: "main", namespace: "default" },
    spec: {
      selector: { istio: "ingressgateway" },
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP", ...port }, hosts: ["*"] }],
    },
  }).diagnostics.map(({ code, level, path }) => `${code} ${level} ${path}`);

describe("fields of a Gateway that no gateway has", () => {
  refuses(
    "Gateway",
    ["servers[].port.targetPort"],
    "a target port is refused, since the gateway's Service has it: HDL0032",
    () => {
      expect(problems({})).toEqual([]);
      expect(problems({ targetPort: 8080 })).toEqual([
        "HDL0032 Error spec.servers[0].port.targetPort",
      ]);
    },
  );
});
