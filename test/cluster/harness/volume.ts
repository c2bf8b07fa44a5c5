/** A volume for a claim that names no class: the cluster has nobody who makes volumes. */
import { chown, mkdir } from "node:fs/promises";
import path from "node:path";

/** Who writes to volumes in pods of ours. */
const USER = 65_532;

/** A folder of the node's, as an object to apply. What is in it goes with the cluster. */
export async function volume(state: string, name: string, size: string): Promise<object> {
  const place = path.join(state, `volume-${name}`);
  await mkdir(place);
  // The kubelet gives a pod's group such a folder no more than it makes it.
  await chown(place, USER, USER);
  return {
    ...{ apiVersion: "v1", kind: "PersistentVolume", metadata: { name } },
    spec: {
      capacity: { storage: size },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      hostPath: { path: place },
    },
  };
}
