import { ONLY_REVISION } from "@heddle/model";
import { describe, expect, it, vi } from "vitest";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import type { KubernetesObject } from "../kubernetes/client.ts";
import type { AgentLog } from "../log.ts";
import type { ObservedObject } from "../sources/kubernetes/observed.ts";
import { startStatusWriter } from "./status-writer.ts";

const RULE = "networking.istio.io/VirtualService/default/a";
const rule = {
  ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService" },
  metadata: { name: "a", namespace: "default", labels: {}, annotations: {} },
  spec: { hosts: ["a"], http: [{ route: [{ destination: { host: "bogus" } }] }] },
};
const service = {
  ...{ apiVersion: "v1", kind: "Service", spec: { ports: [{ port: 80 }] } },
  metadata: { name: "a", namespace: "default", labels: {}, annotations: {} },
};
const seen = (resourceVersion: string): ObservedObject => ({
  place: { apiVersion: rule.apiVersion, plural: "virtualservices", namespace: "default" },
  ...{ name: "a", kind: rule.kind, generation: 1, resourceVersion, status: {}, inForce: true },
});

/** A writer whose server answers what `answer` says; resolves with the versions that were written from. */
async function write(
  answer: (tries: number) => KubernetesObject,
  during: (writer: ReturnType<typeof startStatusWriter>) => Promise<void>,
) {
  const writes: unknown[] = [];
  const ends = new AbortController();
  const logged: string[] = [];
  const note = (message: string) => void logged.push(message);
  const log: AgentLog = { info: note, warn: note, error: note };
  let running: Promise<void> | undefined;
  const writer = startStatusWriter({
    client: {
      async patch(_, __, patch) {
        const { metadata } = (patch as { merge: KubernetesObject }).merge;
        writes.push(metadata.resourceVersion);
        return answer(writes.length);
      },
    },
    leadership: {
      onLeading(_, run) {
        running = run(ends.signal);
        return async () => {};
      },
    },
    model: {
      entries: () =>
        [
          [RULE, "cluster", rule],
          ["core/Service/default/a", "cluster", service],
        ].values() as never,
    },
    settings: () => ({
      ...{ rootNamespace: "istio-system", clusterDomain: "cluster.local" },
      revision: ONLY_REVISION,
    }),
    diagnostics: async () => [],
    log,
  });
  writer.observed(new Map([[RULE, seen("1")]]));
  try {
    await during(writer);
  } finally {
    ends.abort();
    await running;
  }
  return { writes, logged };
}
const written = { ...rule, metadata: { ...rule.metadata, resourceVersion: "2" } };
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe("the writer of statuses", () => {
  it("writes once what it has to say, however often it is woken", async () => {
    const { writes } = await write(
      () => written,
      async (writer) => {
        for (let i = 0; i < 10; i++) {
          await wait(50);
          writer.diagnosed();
        }
      },
    );
    expect(writes).toEqual(["1"]);
  });

  it("tries again where the server is away, and says so", async () => {
    const { writes, logged } = await write(
      (tries) => {
        if (tries === 1) throw new ApiFailure("nobody there");
        return written;
      },
      async (writer) => {
        await vi.waitFor(() => expect(writer.failing).toBe(1), 10_000);
        await vi.waitFor(() => expect(writer.failing).toBe(0), 10_000);
      },
    );
    expect(writes).toEqual(["1", "1"]);
    expect(logged).toEqual([expect.stringContaining("HDL7272")]);
  });

  it.each([
    ["a kind has none", 404],
    ["the server does not take it", 422],
  ])("does not ask again in vain where %s, until the object is another one", async (_, status) => {
    const { writes } = await write(
      () => {
        throw new ApiFailure("no", status);
      },
      async (writer) => {
        for (let i = 0; i < 8; i++) {
          await wait(50);
          writer.diagnosed();
        }
        writer.observed(new Map([[RULE, seen("7")]]));
        await wait(500);
      },
    );
    expect(writes).toEqual(["1", "7"]);
  });
});
