/** Puts add-ons into a cluster, and takes out of them what other options would have made. */
import type { KubernetesClient } from "@heddle/agent/kubernetes";
import { type Addon, ADDON_LABEL, ADDONS_MANAGER, type KubernetesObject } from "@heddle/kube";
import type { Plan } from "../cluster/apply.ts";
import { asked } from "../cluster/connect.ts";
import { removeFound } from "../cluster/found.ts";
import { nameOf, placeOf } from "../cluster/places.ts";
import { CliError } from "../output/cli-error.ts";
import { installed } from "./installed.ts";

const MANAGER = "heddle-addons";
/** Of data that its owner may still want, and of a password that Grafana has in its own data. */
const STAY = new Set(["persistentvolumeclaims", "secrets"]);

/** The namespace too, where there is none. Throws HDL9082 where another's object has the name of one of these. */
export async function plannedAddons(
  client: KubernetesClient,
  namespace: string,
  objects: readonly KubernetesObject[],
): Promise<Plan> {
  const plan: Plan[number][] = [];
  for (const object of [namespaceObject(namespace), ...objects]) {
    const there = await asked(client, `say whether there is ${nameOf(object)}`, () =>
      client.find(placeOf(object), object.metadata.name),
    );
    const labels = there?.metadata.labels ?? {};
    if (there === undefined) plan.push({ object, does: "create" });
    else if (object.kind === "Namespace") plan.push({ object, does: "leave" });
    else if (labels["app.kubernetes.io/managed-by"] !== ADDONS_MANAGER) throw takenBy(object);
    // Its password is in Grafana's own data by now.
    else plan.push({ object, does: object.kind === "Secret" ? "leave" : "update" });
  }
  return plan;
}

export async function applyAddons(
  client: KubernetesClient,
  namespace: string,
  addons: readonly Addon[],
  plan: Plan,
  say: (line: string) => void,
): Promise<void> {
  for (const { object, does } of plan)
    if (does !== "leave")
      await asked(client, `take ${nameOf(object)}`, () =>
        client.apply(placeOf(object), object, { manager: MANAGER }),
      );
  const wanted = new Set(
    plan.map(({ object }) => `${placeOf(object).plural} ${object.metadata.name}`),
  );
  for (const found of await installed(client, namespace, addons)) {
    const { plural } = found.place;
    const { name } = found.object.metadata;
    if (wanted.has(`${plural} ${name}`)) continue;
    if (STAY.has(plural)) say(`${plural} ${namespace}/${name} stays, with what is in it`);
    else {
      await removeFound(client, found);
      say(`removed ${plural} ${name}`);
    }
  }
}

/** Only where nobody has made it yet. */
function namespaceObject(name: string): KubernetesObject {
  const labels = {
    "app.kubernetes.io/managed-by": ADDONS_MANAGER,
    "app.kubernetes.io/part-of": ADDONS_MANAGER,
    [ADDON_LABEL]: "namespace",
  };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

function takenBy(object: KubernetesObject): CliError {
  return new CliError(
    "HDL9082",
    `There is ${nameOf(object)} already, and \`heddle addons\` has not made it.`,
    "Choose another namespace with -n; or go on with the Prometheus that is there, with --prometheus-url for Grafana.",
  );
}
