/** Parts of pods of ours. */

/** As in our images, which have no user of that number. */
const USER = 65_532;

/** What Kubernetes' restricted level of pod security asks for, and a root folder that nobody writes to. */
export const restricted = {
  pod: {
    runAsNonRoot: true,
    runAsUser: USER,
    runAsGroup: USER,
    // What is mounted belongs to it.
    fsGroup: USER,
    seccompProfile: { type: "RuntimeDefault" },
  },
  container: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    readOnlyRootFilesystem: true,
  },
} as const;

/** A variable that holds a field of the pod. */
export function field(name: string, fieldPath: string): object {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** A variable that holds what a Secret has; none where no Secret is named. */
export function fromSecret(
  name: string,
  { name: secret, key }: { readonly name: string; readonly key: string },
): object[] {
  return secret === "" ? [] : [{ name, valueFrom: { secretKeyRef: { name: secret, key } } }];
}

/** Variables with texts of somebody's choice, in the order of their names, as Helm goes through a mapping. */
export function variables(values: Readonly<Record<string, string>>): object[] {
  return Object.entries(values)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value }));
}

/** The Secrets with which a pod's images are pulled. */
export function pulledWith(secrets: readonly string[]): Record<string, unknown> {
  return filled(
    "imagePullSecrets",
    secrets.map((name) => ({ name })),
  );
}

/** A field that is left out where it says nothing. */
export function filled(name: string, value: string | object): Record<string, unknown> {
  const empty = typeof value === "string" ? value === "" : Object.keys(value).length === 0;
  return empty ? {} : { [name]: value };
}
