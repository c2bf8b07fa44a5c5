/** The configurations that bring pods to the injector and rules to the validator: which of them, by the labels of Istio and our own. */
import { ISTIO_REVISION_LABEL, type Kind, REVISION_LABEL } from "@heddle/model";
import { definedKinds } from "./definitions.ts";
import { OWN_LABELS, ofRevision } from "./names.ts";

export const INJECTOR_CONFIGURATION = "heddle-injector";
export const VALIDATOR_CONFIGURATION = "heddle-validator";
export const INJECT_PATH = "/inject";
export const VALIDATE_PATH = "/validate";

export interface WebhookSettings {
  /** The agent's own namespace, whose pods are left alone. */
  readonly namespace: string;
  /** As `istio.io/rev` and `heddle.dev/rev` name it. */
  readonly revision: string;
  /** Whether it also stands for what names no revision: `istio-injection: enabled`, and rules without a label. */
  readonly isDefault: boolean;
  /** Where the agent answers; undefined: its Service. `https://host:port`, for one outside of the cluster. */
  readonly url?: string;
  /** Further labels of both objects. */
  readonly labels?: Readonly<Record<string, string>>;
  /** How long the API server waits for an answer about a pod, seconds: 1 to 30. */
  readonly timeoutSeconds?: number;
  /** `IfNeeded`: asked again where a later webhook has changed the pod. A pod that has its proxy is left as it is. */
  readonly reinvocationPolicy?: "Never" | "IfNeeded";
  /** What becomes of pods that are to be injected while no agent answers. */
  readonly failurePolicy?: "Fail" | "Ignore";
}

interface Requirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

export interface Webhook {
  readonly name: string;
  readonly clientConfig: object;
  readonly rules: readonly object[];
  readonly failurePolicy: "Fail" | "Ignore";
  readonly namespaceSelector?: { readonly matchExpressions: readonly Requirement[] };
  readonly objectSelector?: { readonly matchExpressions: readonly Requirement[] };
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
  readonly [field: string]: unknown;
}

export interface WebhookConfiguration {
  readonly apiVersion: "admissionregistration.k8s.io/v1";
  readonly kind: "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration";
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly webhooks: readonly Webhook[];
}

/**
 * The injector's, then the validator's. Neither says whom to trust: the agent that leads puts its `caBundle` into both, and sets the
 * validator, which begins with `Ignore`, to `Fail` once it answers.
 */
export function webhookConfigurations(settings: WebhookSettings): readonly WebhookConfiguration[] {
  return [injector(settings), validator(settings)];
}

const OWN_NAMESPACE = "heddle.dev/injection";
const NAMESPACE = "istio-injection";
const OWN_POD = "heddle.dev/inject";
const POD = "sidecar.istio.io/inject";

const is = (key: string, value: string): Requirement => ({
  key,
  operator: "In",
  values: [value],
});
const isNot = (key: string, ...values: string[]): Requirement => ({
  key,
  operator: "NotIn",
  values,
});
const none = (...keys: string[]): readonly Requirement[] =>
  keys.map((key) => ({ key, operator: "DoesNotExist" }));

/** What the cluster itself needs to run. */
const SYSTEM = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];
/** The namespace says nothing. */
const SILENT = none(OWN_NAMESPACE, NAMESPACE, REVISION_LABEL, ISTIO_REVISION_LABEL);

/**
 * One webhook for each way in which a pod may come to be injected, since selectors know no "or". They are the cases of the injector's own
 * policy, which has the last word, so that an agent that is away stops no pod that would not be injected.
 */
function injector(settings: WebhookSettings): WebhookConfiguration {
  const { namespace, revision, isDefault } = settings;
  const { timeoutSeconds = 10, reinvocationPolicy = "Never", failurePolicy = "Fail" } = settings;
  const elsewhere = isNot("kubernetes.io/metadata.name", ...SYSTEM, namespace);
  const webhook = (
    name: string,
    ofNamespace: readonly Requirement[],
    ofPod: readonly Requirement[] = [isNot(OWN_POD, "false")],
  ): Webhook => ({
    name: `${name}.injector.heddle.dev`,
    clientConfig: clientOf(settings, INJECT_PATH),
    rules: [
      {
        operations: ["CREATE"],
        apiGroups: [""],
        apiVersions: ["v1"],
        resources: ["pods"],
        scope: "Namespaced",
      },
    ],
    namespaceSelector: { matchExpressions: [elsewhere, ...ofNamespace] },
    objectSelector: { matchExpressions: ofPod },
    matchConditions: POD_CONDITIONS,
    matchPolicy: "Equivalent",
    failurePolicy,
    reinvocationPolicy,
    sideEffects: "None",
    timeoutSeconds,
    admissionReviewVersions: ["v1"],
  });
  return configuration("MutatingWebhookConfiguration", INJECTOR_CONFIGURATION, settings, [
    webhook("own.namespace", [is(OWN_NAMESPACE, "enabled")]),
    webhook("own.object", SILENT, [
      is(OWN_POD, "true"),
      ...none(REVISION_LABEL, ISTIO_REVISION_LABEL),
    ]),
    webhook("rev.own.namespace", [is(REVISION_LABEL, revision), ...none(OWN_NAMESPACE, NAMESPACE)]),
    webhook("rev.own.object", SILENT, [is(REVISION_LABEL, revision), isNot(OWN_POD, "false")]),
    webhook("rev.namespace", [
      is(ISTIO_REVISION_LABEL, revision),
      ...none(OWN_NAMESPACE, NAMESPACE, REVISION_LABEL),
    ]),
    webhook("rev.object", SILENT, [
      is(ISTIO_REVISION_LABEL, revision),
      ...none(REVISION_LABEL),
      isNot(OWN_POD, "false"),
    ]),
    ...(isDefault
      ? [
          webhook("namespace", [is(NAMESPACE, "enabled"), ...none(OWN_NAMESPACE)]),
          webhook("object", SILENT, [
            is(POD, "true"),
            ...none(OWN_POD, REVISION_LABEL, ISTIO_REVISION_LABEL),
          ]),
        ]
      : []),
  ]);
}

/** What selectors cannot say. Clusters before 1.28 pass over it and ask more often. */
const POD_CONDITIONS = [
  {
    // The node's own iptables would be changed.
    name: "not-on-the-nodes-network",
    expression: "!has(object.spec.hostNetwork) || !object.spec.hostNetwork",
  },
  {
    // Istio's label says no, unless our own says otherwise.
    name: "not-refused",
    expression: `!has(object.metadata.labels) || '${OWN_POD}' in object.metadata.labels || !('${POD}' in object.metadata.labels) || object.metadata.labels['${POD}'] != 'false'`,
  },
];

/**
 * Istio's kinds and our own. The Gateway API's are not among them: what is wrong with one of these stands in its status, and most of
 * them may be another controller's.
 */
function validator(settings: WebhookSettings): WebhookConfiguration {
  const { revision, isDefault } = settings;
  const own = definedKinds.filter(({ group }) => group === "heddle.dev");
  const istio = definedKinds.filter(({ group }) => group !== "heddle.dev");
  const webhook = (
    name: string,
    kinds: readonly Kind[],
    matchExpressions: readonly Requirement[],
  ): Webhook => ({
    name: `${name}.validator.heddle.dev`,
    clientConfig: clientOf(settings, VALIDATE_PATH),
    rules: rulesOf(kinds),
    objectSelector: { matchExpressions },
    matchPolicy: "Equivalent",
    failurePolicy: "Ignore",
    sideEffects: "None",
    timeoutSeconds: 5,
    admissionReviewVersions: ["v1"],
  });
  return configuration("ValidatingWebhookConfiguration", VALIDATOR_CONFIGURATION, settings, [
    webhook("own", own, []),
    webhook("rev", istio, [is(ISTIO_REVISION_LABEL, revision)]),
    ...(isDefault ? [webhook("default", istio, none(ISTIO_REVISION_LABEL))] : []),
  ]);
}

/** A rule for each group and version: kinds of one group have not all the same versions. */
function rulesOf(kinds: readonly Kind[]): readonly object[] {
  const resources = new Map<string, { group: string; version: string; plurals: string[] }>();
  for (const { group, versions, plural } of kinds)
    for (const version of versions) {
      const key = `${group}/${version}`;
      const rule = resources.get(key) ?? { group, version, plurals: [] };
      rule.plurals.push(plural);
      resources.set(key, rule);
    }
  return [...resources.values()].map(({ group, version, plurals }) => ({
    operations: ["CREATE", "UPDATE"],
    apiGroups: [group],
    apiVersions: [version],
    resources: plurals.toSorted(),
    scope: "*",
  }));
}

function clientOf({ url, namespace, revision }: WebhookSettings, path: string): object {
  if (url !== undefined) return { url: `${url}${path}` };
  const name = ofRevision("heddle-agent", revision);
  return { service: { name, namespace, path, port: 443 } };
}

function configuration(
  kind: WebhookConfiguration["kind"],
  name: string,
  { revision, labels }: WebhookSettings,
  webhooks: readonly Webhook[],
): WebhookConfiguration {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: {
      name: ofRevision(name, revision),
      labels: {
        ...OWN_LABELS,
        [REVISION_LABEL]: revision,
        ...labels,
      },
    },
    webhooks,
  };
}
