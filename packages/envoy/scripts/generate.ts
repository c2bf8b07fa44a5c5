/** Generates `src/gen` from the committed descriptor set: types for every v3 message, and the encoder's field tables. `--check` only compares. */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { DescEnum, DescMessage } from "@bufbuild/protobuf";
import { emitMessageMap, emitPackage, isWellKnown, packagePath } from "./emit-types.ts";
import type { PackageTypes } from "./emit-types.ts";
import { emitSchema } from "./emit-schema.ts";

const root = join(import.meta.dirname, "..");
const output = join(root, "src/gen");
const registry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, readFileSync(join(root, "descriptors/envoy-1.40.0.binpb"))),
);

/** Every message of Envoy's v3 packages and all that they refer to; v2 and conformance protos are of no use here. */
function reachable(): { messages: DescMessage[]; enums: DescEnum[] } {
  const messages = new Map<string, DescMessage>();
  const enums = new Map<string, DescEnum>();
  const queue: DescMessage[] = [];
  const visit = (message: DescMessage): void => {
    if (messages.has(message.typeName)) return;
    messages.set(message.typeName, message);
    queue.push(message);
  };
  for (const desc of registry) if (desc.kind === "message" && isRoot(desc)) visit(desc);
  for (let message = queue.pop(); message; message = queue.pop()) {
    for (const field of message.fields) {
      if (field.message) visit(field.message);
      if (field.enum) enums.set(field.enum.typeName, field.enum);
    }
  }
  const byName = (a: { typeName: string }, b: { typeName: string }): number =>
    a.typeName < b.typeName ? -1 : 1;
  return { messages: [...messages.values()].sort(byName), enums: [...enums.values()].sort(byName) };
}

function isRoot(message: DescMessage): boolean {
  const name = message.file.proto.package;
  return (
    /^envoy\.(.+\.)?v3$/.test(name) ||
    /^xds\.(core|type|type\.matcher)\.v3$/.test(name) ||
    wellKnownRoots.has(message.typeName)
  );
}

const wellKnownRoots = new Set([
  "google.protobuf.Struct",
  "google.protobuf.Value",
  "google.protobuf.Any",
]);

function files(): Map<string, string> {
  const { messages, enums } = reachable();
  const packages = new Map<string, { messages: DescMessage[]; enums: DescEnum[] }>();
  const at = (name: string): { messages: DescMessage[]; enums: DescEnum[] } => {
    const found = packages.get(name) ?? { messages: [], enums: [] };
    packages.set(name, found);
    return found;
  };
  for (const message of messages)
    if (!isWellKnown(message.typeName)) at(message.file.proto.package).messages.push(message);
  for (const desc of enums)
    if (!isWellKnown(desc.typeName)) at(desc.file.proto.package).enums.push(desc);
  const types: PackageTypes[] = [...packages]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, content]) => ({ name, ...content }));
  const result = new Map(
    types.map((entry) => [`${packagePath(entry.name)}.ts`, emitPackage(entry)]),
  );
  result.set("messages.ts", emitMessageMap(types));
  result.set("schema.ts", emitSchema(messages, enums));
  return result;
}

/** Touches only what differs: others may be reading the files. */
function write(content: Map<string, string>): void {
  for (const path of stale(content)) {
    const text = content.get(path);
    if (text === undefined) {
      rmSync(join(output, path));
    } else {
      mkdirSync(dirname(join(output, path)), { recursive: true });
      writeFileSync(join(output, path), text);
    }
  }
}

function stale(content: Map<string, string>): string[] {
  mkdirSync(output, { recursive: true });
  const present = new Set(
    readdirSync(output, { recursive: true, encoding: "utf8" }).filter((path) =>
      path.endsWith(".ts"),
    ),
  );
  const changed = [...content].filter(
    ([path, text]) => !present.has(path) || readFileSync(join(output, path), "utf8") !== text,
  );
  return [...changed.map(([path]) => path), ...[...present].filter((path) => !content.has(path))];
}

const content = files();
if (process.argv.includes("--check")) {
  const differing = stale(content);
  for (const path of differing)
    console.error(
      `src/gen/${path} is not what the descriptors give: run pnpm --filter @heddle/envoy generate`,
    );
  process.exitCode = differing.length === 0 ? 0 : 1;
} else {
  write(content);
  console.log(`${content.size} files, ${[...content.values()].join("").length} characters`);
}
