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

/** A field that is left out where it says nothing. */
export function filled(name: string, value: string | object): Record<string, unknown> {
  const empty = typeof value === "string" ? value === "" : Object.keys(value).length === 0;
  return empty ? {} : { [name]: value };
}
