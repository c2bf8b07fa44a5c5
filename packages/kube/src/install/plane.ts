/** The plane that an agent joins: one elsewhere, or one that is installed beside it. */
import { REVISION_LABEL } from "@heddle/model";
import { PLANE, type PlaneInstallation } from "../plane/installation.ts";
import { type Installation, labelsOf, named } from "./objects.ts";

/** What a mesh is called that nobody has named. */
const MESH = "default";

/** Whether one is: whoever names one elsewhere has none beside the agent. */
function isBeside({ values: { plane } }: Installation): boolean {
  return plane.install && plane.url === "";
}

/** Undefined where none is installed beside the agent. */
export function planeBeside(installation: Installation): PlaneInstallation | undefined {
  const { namespace, values } = installation;
  const { images, mesh, plane, revision } = values;
  if (!isBeside(installation)) return undefined;
  return {
    namespace,
    name: named(PLANE, installation),
    labels: labelsOf(installation),
    selector: { "app.kubernetes.io/name": PLANE, [REVISION_LABEL]: revision },
    values: {
      ...plane.server,
      images,
      mesh: { name: plane.mesh === "" ? MESH : plane.mesh, trustDomain: mesh.trustDomain },
      tokenSecret: tokenSecretOf(installation),
    },
  };
}

/** Empty where the agent stands alone. */
export function planeUrlOf(installation: Installation): string {
  const beside = planeBeside(installation);
  if (beside === undefined) return installation.values.plane.url;
  const { name, namespace, values } = beside;
  return `http://${name}.${namespace}.svc:${values.service.port}`;
}

/** The Secret in which the agent finds its token; one of a plane beside it is called by the revision, as everything that is installed. */
export function tokenSecretOf(installation: Installation): { name: string; key: string } {
  const { tokenSecret } = installation.values.plane;
  if (!isBeside(installation)) return tokenSecret;
  return { ...tokenSecret, name: named(tokenSecret.name, installation) };
}
