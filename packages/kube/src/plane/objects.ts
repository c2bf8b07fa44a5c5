/** All that a plane in a cluster is made of, in the order in which it can be applied. */
import type { KubernetesObject } from "../install/objects.ts";
import { deployment } from "./deployment.ts";
import { claimOf, DATA_LABEL, keysOf, type PlaneInstallation } from "./installation.ts";
import type { PlaneValues } from "./values.ts";

export function planeObjects(plane: PlaneInstallation): KubernetesObject[] {
  const { namespace, name, labels, values } = plane;
  const { claim, persistent } = values.storage;
  const metadata = { name, namespace, labels };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    ...access(plane),
    // Both are empty: the plane fills them, so that no manifest holds a secret, and none is written over.
    secret(plane, keysOf(name), keepsData(values)),
    secret(plane, values.tokenSecret.name, false),
    ...(persistent && claim === "" ? [claimed(plane)] : []),
    service(plane),
    deployment(plane),
  ];
}

/** Whether what it keeps is of use without its pod. */
function keepsData({ database, storage }: PlaneValues): boolean {
  return database.name !== "" || storage.persistent;
}

function access({ namespace, name, labels, values }: PlaneInstallation): KubernetesObject[] {
  const metadata = { name, namespace, labels };
  const api = "rbac.authorization.k8s.io";
  return [
    {
      ...{ apiVersion: `${api}/v1`, kind: "Role", metadata },
      rules: [
        {
          apiGroups: [""],
          resources: ["secrets"],
          resourceNames: [keysOf(name), values.tokenSecret.name],
          verbs: ["get", "update"],
        },
      ],
    },
    {
      ...{ apiVersion: `${api}/v1`, kind: "RoleBinding", metadata },
      roleRef: { apiGroup: api, kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
  ];
}

function secret(plane: PlaneInstallation, name: string, isData: boolean): KubernetesObject {
  const { namespace, labels } = plane;
  const metadata = { name, namespace, labels: isData ? asData(labels) : labels };
  return { apiVersion: "v1", kind: "Secret", metadata, type: "Opaque" };
}

function claimed({ namespace, name, labels, values }: PlaneInstallation): KubernetesObject {
  const { class: storageClassName, size } = values.storage;
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: claimOf(name), namespace, labels: asData(labels) },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: size } },
      ...(storageClassName === "" ? {} : { storageClassName }),
    },
  };
}

function asData(labels: Readonly<Record<string, string>>): Record<string, string> {
  return { ...labels, [DATA_LABEL]: "kept" };
}

function service({ namespace, name, labels, selector, values }: PlaneInstallation) {
  const { annotations, nodePort, port, type } = values.service;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      ...{ name, namespace, labels },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: {
      ...{ type, selector },
      ports: [
        {
          ...{ name: "http", port, targetPort: "http", protocol: "TCP" },
          ...(type !== "ClusterIP" && nodePort > 0 ? { nodePort } : {}),
        },
      ],
    },
  };
}
