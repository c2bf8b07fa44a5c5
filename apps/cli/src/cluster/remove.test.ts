import type { KubernetesClient, Place } from "@heddle/agent/kubernetes";
import { expect, it } from "vitest";
import { plannedRemoval } from "./remove.ts";

const OURS = { "app.kubernetes.io/managed-by": "heddle" };
const OWN = "heddle-system";
const REVISION = "heddle.dev/rev";

/** Of a cluster with two revisions, by plural. */
const THERE: Readonly<Record<string, readonly object[]>> = {
  clusterroles: ["default", "next"].map((revision) => ({
    metadata: { name: `role-${revision}`, labels: { ...OURS, [REVISION]: revision } },
  })),
  leases: ["heddle-agent-leader", "heddle-agent-leader-next"].map((name) => own(name)),
  secrets: [
    ...["ca", "webhook", "webhook-next", "state", "state-next"].map((name) =>
      own(`heddle-agent-${name}`),
    ),
    own("heddle-agent-state-0", { "heddle.dev/state-of": "heddle-agent-state" }),
    own("heddle-agent-state-next-0", { "heddle.dev/state-of": "heddle-agent-state-next" }),
  ],
};

function own(name: string, more: Readonly<Record<string, string>> = {}): object {
  return { metadata: { name, namespace: OWN, labels: { ...OURS, ...more } } };
}

const client = {
  address: "https://cluster.example",
  list: ({ plural }: Place) => Promise.resolve(THERE[plural] ?? []),
} as unknown as KubernetesClient;

const removed = async (revision: string) => {
  const removal = { namespace: OWN, revision, purge: false, timeout: 1, say: () => {} };
  const { isLast, objects } = await plannedRemoval(client, removal);
  expect(isLast).toBe(false);
  return objects.map(({ object }) => object.metadata.name).toSorted();
};

it.each([
  ["default", ""],
  ["next", "-next"],
])(
  "takes what an agent of revision %s made for itself, and leaves the authority to the other",
  async (revision, end) => {
    expect(await removed(revision)).toEqual([
      ...["leader", "state"].map((name) => `heddle-agent-${name}${end}`),
      `heddle-agent-state${end}-0`,
      `heddle-agent-webhook${end}`,
      `role-${revision}`,
    ]);
  },
);
