/** Which pods come to the injector, against the injector's own policy, over every way to label a namespace and a pod. */
import { expect, it } from "vitest";
import { whyNot } from "../../injection/src/policy.ts";
import { definedKinds } from "./definitions.ts";
import { type Webhook, webhookConfigurations } from "./webhooks.ts";

type Labels = Readonly<Record<string, string>>;
type Selector = NonNullable<Webhook["objectSelector"]>;

const NAMESPACE_LABELS = {
  "heddle.dev/injection": ["enabled", "disabled"],
  "istio-injection": ["enabled", "disabled"],
  "heddle.dev/rev": ["blue", "other"],
  "istio.io/rev": ["blue", "other"],
};
const POD_LABELS = {
  "heddle.dev/inject": ["true", "false"],
  "sidecar.istio.io/inject": ["true", "false"],
  "heddle.dev/rev": ["blue", "other"],
  "istio.io/rev": ["blue", "other"],
};
const SETTINGS = { namespace: "heddle-system", revision: "blue", isDefault: true };

const [injector, validator] = webhookConfigurations(SETTINGS);

it.each([true, false])(
  "brings to the injector just the pods that it injects, by default: %s",
  (isDefault) => {
    const [{ webhooks } = { webhooks: [] }] = webhookConfigurations({ ...SETTINGS, isDefault });
    const wrong: string[] = [];
    let asked = 0;
    for (const namespace of ways(NAMESPACE_LABELS))
      for (const labels of ways(POD_LABELS)) {
        const why = whyNot(
          { metadata: { labels } },
          { name: "shop", labels: namespace },
          {
            revision: "blue",
            isDefault,
          },
        );
        const by = webhooks.filter((each) => matches(each, "shop", namespace, labels));
        if (by.length > 0) asked += 1;
        if (by.length > 1 || (why === undefined) !== (by.length === 1))
          wrong.push(
            `${JSON.stringify({ namespace, labels })}: ${why ?? "injected"}, ${by.map(({ name }) => name).join()}`,
          );
      }
    expect(wrong).toEqual([]);
    expect(asked).toBeGreaterThan(500);
  },
);

it("leaves alone the cluster's own namespaces and the agent's, and pods that say no", () => {
  const [{ webhooks } = { webhooks: [] }] = webhookConfigurations(SETTINGS);
  const yes = { "istio-injection": "enabled" };
  const asked = (name: string, pod: Labels = {}) =>
    webhooks.some((each) => matches(each, name, yes, pod));
  expect(["shop", "kube-system", "heddle-system"].map((name) => asked(name))).toEqual([
    true,
    false,
    false,
  ]);
  for (const webhook of webhooks)
    expect(webhook).toMatchObject({ failurePolicy: "Fail", reinvocationPolicy: "Never" });
});

it("validates every kind that has a definition, and refuses nothing before it answers", () => {
  const rules = (validator?.webhooks ?? []).flatMap(
    ({ rules: all }) =>
      all as { apiGroups: string[]; apiVersions: string[]; resources: string[] }[],
  );
  const known = new Set(
    rules.flatMap(({ apiGroups, apiVersions, resources }) =>
      resources.map((plural) => `${plural}.${apiVersions.join()}.${apiGroups.join()}`),
    ),
  );
  const all = definedKinds.flatMap(({ group, plural, versions }) =>
    versions.map((version) => `${plural}.${version}.${group}`),
  );
  expect([...known].toSorted()).toEqual(all.toSorted());
  for (const { failurePolicy } of validator?.webhooks ?? []) expect(failurePolicy).toBe("Ignore");
});

it("is named by its revision, and asks its own Service", () => {
  expect(injector?.metadata.name).toBe("heddle-injector-blue");
  expect(injector?.webhooks[0]?.clientConfig).toEqual({
    service: { name: "heddle-agent-blue", namespace: "heddle-system", path: "/inject", port: 443 },
  });
  const [first] = webhookConfigurations({ ...SETTINGS, revision: "default", url: "https://a:1" });
  expect(first?.metadata.name).toBe("heddle-injector");
  expect(first?.webhooks[0]?.clientConfig).toEqual({ url: "https://a:1/inject" });
});

/** Each label in turn absent or with one of its values. */
function ways(labels: Readonly<Record<string, readonly string[]>>): Labels[] {
  return Object.entries(labels).reduce<Labels[]>(
    (all, [key, values]) =>
      all.flatMap((each) => [each, ...values.map((value) => ({ ...each, [key]: value }))]),
    [{}],
  );
}

/** As the API server decides. The expression over pods is its own; what it says of labels is said here once more. */
function matches(webhook: Webhook, name: string, namespace: Labels, pod: Labels): boolean {
  return (
    selects(webhook.namespaceSelector, { "kubernetes.io/metadata.name": name, ...namespace }) &&
    selects(webhook.objectSelector, pod) &&
    ("heddle.dev/inject" in pod || pod["sidecar.istio.io/inject"] !== "false")
  );
}

function selects(selector: Selector | undefined, labels: Labels): boolean {
  return (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === "In") return value !== undefined && values.includes(value);
    if (operator === "NotIn") return value === undefined || !values.includes(value);
    return (value !== undefined) === (operator === "Exists");
  });
}
