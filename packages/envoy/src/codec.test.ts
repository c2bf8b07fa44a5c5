import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  ScalarType,
  createFileRegistry,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import type { DescField, DescMessage, JsonValue } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode } from "./index.ts";
import type { EncodedParts } from "./index.ts";
import { schemaText } from "./gen/schema.ts";

const registry = createFileRegistry(
  fromBinary(
    FileDescriptorSetSchema,
    readFileSync(join(import.meta.dirname, "../descriptors/envoy-1.40.0.binpb")),
  ),
);
const typeNames = schemaText
  .split("\n")
  .filter((line) => /^[a-z]/.test(line) && !line.startsWith("google.protobuf."))
  .map((line) => line.split(" ")[0]!);
const anyTypes = [
  "envoy.config.core.v3.SocketAddress",
  "envoy.type.v3.Percent",
  "google.protobuf.Duration",
  "google.protobuf.Struct",
  "google.protobuf.UInt64Value",
];

/** A random message in JSON form, from a stream of random numbers below a bound. */
function randomMessage(
  desc: DescMessage,
  random: (below: number) => number,
  depth: number,
): JsonValue {
  const text = (): string => ["", "a", "größe", "x".repeat(70), "日本 ✓"][random(5)]!;
  const wellKnown: Readonly<Record<string, () => JsonValue>> = {
    Any: () => {
      const inner = registry.getMessage(anyTypes[random(anyTypes.length)]!)!;
      const value = randomMessage(inner, random, depth - 1);
      const url = `type.googleapis.com/${inner.typeName}`;
      return inner.typeName.startsWith("google.")
        ? { "@type": url, value }
        : { "@type": url, ...(value as object) };
    },
    Duration: () =>
      ["0s", "-1.5s", "3600s", "0.000000001s", "10000000000.250s", "-0.250s"][random(6)]!,
    Timestamp: () =>
      ["1969-12-31T23:59:59Z", "2026-11-23T20:00:00.123456789Z", "2026-01-01T00:00:00.250Z"][
        random(3)
      ]!,
    FieldMask: () => ["", "fooBar.baz,other"][random(2)]!,
    Empty: () => ({}),
    Struct: () =>
      Object.fromEntries(
        Array.from({ length: random(3) }, (_, i) => [`${text()}${i}`, json(depth)]),
      ),
    Value: () => json(depth),
    ListValue: () => [json(depth)],
    BoolValue: () => random(2) === 1,
    StringValue: text,
    BytesValue: () => ["", "AAEC/w=="][random(2)]!,
    DoubleValue: () => [0, -2.5, 1e300][random(3)]!,
    FloatValue: () => [0, -2.5, 0.5][random(3)]!,
    Int32Value: () => [0, -1, 2 ** 31 - 1][random(3)]!,
    UInt32Value: () => [0, 127, 128, 2 ** 32 - 1][random(4)]!,
    Int64Value: () => ["0", "-1", "9223372036854775807"][random(3)]!,
    UInt64Value: () => ["0", "300", "18446744073709551615"][random(3)]!,
  };
  const json = (left: number): JsonValue => {
    const kind = random(left > 0 ? 6 : 4);
    if (kind === 4) return [json(left - 1), json(left - 1)];
    if (kind === 5) return { k: json(left - 1), b: json(left - 1) };
    return [null, true, -1.25, text()][kind]!;
  };
  const scalar = (type: ScalarType): JsonValue => {
    switch (type) {
      case ScalarType.STRING:
        return text();
      case ScalarType.BOOL:
        return random(2) === 1;
      case ScalarType.BYTES:
        return wellKnown["BytesValue"]!();
      case ScalarType.DOUBLE:
        return wellKnown["DoubleValue"]!();
      case ScalarType.FLOAT:
        return wellKnown["FloatValue"]!();
      case ScalarType.INT64:
      case ScalarType.SINT64:
      case ScalarType.SFIXED64:
        return wellKnown["Int64Value"]!();
      case ScalarType.UINT64:
      case ScalarType.FIXED64:
        return wellKnown["UInt64Value"]!();
      case ScalarType.UINT32:
      case ScalarType.FIXED32:
        return wellKnown["UInt32Value"]!();
      default:
        return wellKnown["Int32Value"]!();
    }
  };
  const element = (field: DescField): JsonValue => {
    if (field.message) return randomMessage(field.message, random, depth - 1);
    if (field.enum) return field.enum.values[random(field.enum.values.length)]!.name;
    return scalar(field.scalar as ScalarType);
  };
  const special = desc.typeName.startsWith("google.protobuf.") ? wellKnown[desc.name] : undefined;
  if (special) return special();
  if (depth <= 0) return {};
  const result: Record<string, JsonValue> = {};
  const oneofs = new Set<unknown>();
  for (const field of desc.fields) {
    if (random(desc.fields.length) >= 6 || (field.oneof && oneofs.has(field.oneof))) continue;
    if (field.oneof) oneofs.add(field.oneof);
    if (field.fieldKind === "list") {
      result[field.jsonName] = Array.from({ length: random(4) }, () => element(field));
    } else if (field.fieldKind === "map") {
      const keys =
        field.mapKey === ScalarType.STRING
          ? ["b", "a", "__proto__"]
          : field.mapKey === ScalarType.BOOL
            ? ["true"]
            : ["7", "12"];
      result[field.jsonName] = Object.fromEntries(
        keys.slice(0, random(3) + 1).map((key) => [key, element(field)]),
      );
    } else {
      result[field.jsonName] = element(field);
    }
  }
  return result;
}

/** A small deterministic generator (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Reverses the order of keys in every object that is not a list. */
function reordered(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reordered(inner)]),
  );
}

describe("encode and decode against protobuf-es, for every message of the API", () => {
  const cases = fc.tuple(fc.integer({ min: 0, max: typeNames.length - 1 }), fc.integer());

  test("protobuf-es reads from our bytes what it reads from the JSON value", () => {
    fc.assert(
      fc.property(cases, ([index, seed]) => {
        const desc = registry.getMessage(typeNames[index]!)!;
        const value = randomMessage(desc, randomFrom(seed), 6);
        const expected = toJson(desc, fromJson(desc, value, { registry }), { registry });
        const bytes = encode(desc.typeName, value);
        expect(toJson(desc, fromBinary(desc, bytes), { registry })).toEqual(expected);
        expect(decode(desc.typeName, bytes)).toEqual(expected);
      }),
      { numRuns: 4000 },
    );
  });

  test("decode reads protobuf-es's bytes", () => {
    fc.assert(
      fc.property(cases, ([index, seed]) => {
        const desc = registry.getMessage(typeNames[index]!)!;
        const message = fromJson(desc, randomMessage(desc, randomFrom(seed), 5), { registry });
        expect(decode(desc.typeName, toBinary(desc, message))).toEqual(
          toJson(desc, message, { registry }),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test("the order of keys does not change the bytes", () => {
    fc.assert(
      fc.property(cases, ([index, seed]) => {
        const value = randomMessage(registry.getMessage(typeNames[index]!)!, randomFrom(seed), 6);
        expect(encode(typeNames[index]!, reordered(value))).toEqual(
          encode(typeNames[index]!, value),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test("decode of damaged bytes ends, with a value or with HDL3006", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decode("envoy.config.route.v3.RouteConfiguration", bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: "HDL3006" });
        }
      }),
      { numRuns: 3000 },
    );
  });
});

test("parts that are remembered give the same bytes, and are not asked again", () => {
  const route = (name: string, virtualHosts: readonly object[]): object => ({ name, virtualHosts });
  const type = "envoy.config.route.v3.RouteConfiguration";
  const hosts = [
    { name: "a", domains: ["a"] },
    { name: "b", domains: ["b"] },
  ];
  const parts: EncodedParts = new WeakMap();
  encode(type, route("one", hosts), parts);
  expect(parts.has(hosts[0]!)).toBe(true);
  const more = [...hosts, { name: "c", domains: ["c"] }];
  expect(encode(type, route("two", more), parts)).toEqual(encode(type, route("two", more)));
  parts.set(hosts[0]!, encode("envoy.config.route.v3.VirtualHost", { name: "kept" }));
  expect(decode(type, encode(type, route("three", hosts), parts))).toMatchObject({
    virtualHosts: [{ name: "kept" }, { name: "b" }],
  });
});

describe("encode refuses", () => {
  const cluster = "envoy.config.cluster.v3.Cluster";

  test("an unknown field, with its path and the nearest name", () => {
    expect(() =>
      encode("envoy.config.listener.v3.Listener", {
        filterChains: [{ filters: [{ typedConfg: {} }] }],
      }),
    ).toThrow(
      /^HDL3001 envoy.config.listener.v3.Listener at filterChains\[0\]\.filters\[0\]\.typedConfg: .*did you mean typedConfig\?$/,
    );
  });

  test("a wrong enum value, with the nearest one", () => {
    expect(() => encode(cluster, { lbPolicy: "ROUND_ROBBIN" })).toThrow(
      /^HDL3003 .* at lbPolicy: .*ROUND_ROBIN\?$/,
    );
  });

  test("values of the wrong kind or out of range", () => {
    for (const value of [
      { name: 1 },
      { connectTimeout: 5 },
      { connectTimeout: "5m" },
      { perConnectionBufferLimitBytes: -1 },
      { perConnectionBufferLimitBytes: 1.5 },
      { healthChecks: {} },
      { transportSocket: "x" },
      [],
    ]) {
      expect(() => encode(cluster, value)).toThrow(/^HDL3002 /);
    }
  });

  test("an Any without a type or of an unknown type", () => {
    const socket = (typedConfig: object): object => ({ transportSocket: { typedConfig } });
    expect(() => encode(cluster, socket({ x: 1 }))).toThrow(
      /HDL3004 .* at transportSocket.typedConfig/,
    );
    expect(() =>
      encode(
        cluster,
        socket({
          "@type":
            "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContex",
        }),
      ),
    ).toThrow(
      /HDL3004 .*did you mean envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\?/,
    );
  });

  test("two fields of one oneof, and one field under both names", () => {
    expect(() => encode(cluster, { type: "EDS", clusterType: { name: "x" } })).toThrow(
      /HDL3005 .*type and clusterType/,
    );
    expect(() => encode(cluster, { altStatName: "a", alt_stat_name: "b" })).toThrow(/HDL3005 /);
  });

  test("and works again after a refusal", () => {
    expect(() => encode(cluster, { name: "a", healthChecks: [{ timeout: 1 }] })).toThrow();
    expect(decode(cluster, encode(cluster, { name: "b", alt_stat_name: "c" }))).toEqual({
      name: "b",
      altStatName: "c",
    });
  });
});
