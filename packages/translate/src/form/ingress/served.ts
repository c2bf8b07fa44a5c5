/** Which Ingresses are the mesh's. */
import { type Ingress, type MeshObject, objectKey, otherIngressController } from "@heddle/model";
import { derivation, type ModelReader } from "../../read.ts";

/** Those that the mesh serves, in the order in which they came. */
export function servedOf(
  read: ModelReader,
  ingresses: readonly MeshObject<Ingress>[],
): readonly MeshObject<Ingress>[] {
  return ingresses.filter((each) => read.get(isServed, objectKey(each)));
}

const isServed = derivation<string, boolean>(
  "form/ingress-served",
  (key) => key,
  (read, key) => {
    const object = read.object<Ingress>(key);
    return object !== undefined && otherIngressController(read.ingress, object) === undefined;
  },
);
