import { expect, it } from "vitest";
import { inOrder, installationObjects } from "./installation.ts";
import { type ValuesError, valuesOf } from "./profiles.ts";
import { type GivenValues, PROFILES } from "./values.ts";

const RIGHTS = { cluster: [], own: [] };
const objectsOf = (given: GivenValues) =>
  inOrder(installationObjects({ values: valuesOf(given), namespace: "mesh" }, RIGHTS));
const names = (given: GivenValues) =>
  objectsOf(given).map(({ kind, metadata }) => `${kind} ${metadata.name}`);

it("lays what is given over the profile, and the profile over the defaults", () => {
  const { agent } = valuesOf(
    { profile: "demo" },
    { agent: { resources: { requests: { cpu: "1" } } } },
  );
  expect(agent.replicas).toBe(1);
  expect(agent.resources.requests).toEqual({ cpu: "1", memory: "128Mi" });
  expect(agent.resources.limits).toEqual({ memory: "1Gi" });
});

it("takes the later of two, and null as if nobody had said it", () => {
  const { agent } = valuesOf({ agent: { replicas: 5 } }, { agent: { replicas: 7 } });
  expect(agent.replicas).toBe(7);
  expect(valuesOf({ agent: { replicas: 5 } }, { agent: { replicas: null } }).agent.replicas).toBe(
    2,
  );
});

it("comes out the same when it is given its own result, for every profile", () => {
  for (const profile of PROFILES) {
    const once = valuesOf({ profile, remote: { address: "agent.example" } });
    expect(valuesOf(once)).toEqual(once);
  }
});

it("names every value that is wrong", () => {
  const wrong = { agent: { replicas: -1, labels: { a: 1 } }, images: { agent: "" } };
  let problems: readonly string[] = [];
  try {
    valuesOf(wrong);
  } catch (error) {
    ({ problems } = error as ValuesError);
  }
  expect(problems.map((problem) => problem.split(":")[0]).toSorted()).toEqual([
    "agent.labels.a",
    "agent.replicas",
    "images.agent",
  ]);
});

it("has no agent where one runs elsewhere", () => {
  const made = names({ profile: "remote", remote: { address: "agent.example" } });
  expect(made.some((name) => /^(?:Deployment|Service|PodDisruptionBudget) /.test(name))).toBe(
    false,
  );
  expect(made).toContain("ServiceAccount heddle-agent");
});

it("names everything but the namespace and definitions by its revision", () => {
  const plain = new Set(names({ injection: { enabled: true }, validation: { enabled: true } }));
  const canary = names({
    revision: "canary",
    injection: { enabled: true },
    validation: { enabled: true },
  });
  const shared = canary.filter((name) => plain.has(name));
  expect(shared.filter((name) => !name.startsWith("CustomResourceDefinition "))).toEqual([
    "Namespace mesh",
  ]);
});

it("keeps one agent running only where there are two", () => {
  const budget = "PodDisruptionBudget heddle-agent";
  expect(names({})).toContain(budget);
  expect(names({ agent: { replicas: 1 } })).not.toContain(budget);
  const scaled = { replicas: 1, autoscaling: { enabled: true, minReplicas: 2 } };
  expect(names({ agent: scaled })).toContain(budget);
});

it("asks for what Kubernetes' restricted level of pod security allows", () => {
  const deployment = objectsOf({}).find(({ kind }) => kind === "Deployment");
  expect(deployment).toMatchObject({
    spec: {
      template: {
        spec: {
          securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
          containers: [
            {
              securityContext: {
                allowPrivilegeEscalation: false,
                capabilities: { drop: ["ALL"] },
                readOnlyRootFilesystem: true,
              },
            },
          ],
        },
      },
    },
  });
});
