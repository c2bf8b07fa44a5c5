/** The rules that decide for a host, or behind a gateway, in the intermediate form. */
import { type MeshObject, objectKey, type VirtualService } from "@heddle/model";
import { derivation, type ModelReader } from "../read.ts";
import { meshRules } from "./gateway-api/mesh-rules.ts";
import { isIngressReference, rulesOfIngresses } from "./ingress/rules.ts";
import { isSectionReference, rulesOfSection } from "./gateway-api/section-rules.ts";
import type { RuleSet } from "./rule-set.ts";
import { virtualServiceRules } from "./virtual-service.ts";

/** The rules of the mesh that decide for a host, seen from a namespace: routes of the Gateway API before VirtualServices. */
export function rulesForHost(
  read: ModelReader,
  host: string,
  namespace: string,
): RuleSet | undefined {
  const routes = meshRules(read, host, namespace);
  if (routes !== undefined) return routes;
  const chosen = read.virtualService(host, namespace);
  return chosen && read.get(ruleSet, objectKey(chosen));
}

/** Rules bound to one gateway, `namespace/name`, oldest first; to one listener of the Gateway API, or to those of Ingresses. */
export function rulesOfGateway(read: ModelReader, gateway: string): readonly RuleSet[] {
  if (isIngressReference(gateway)) return rulesOfIngresses(read, gateway);
  if (isSectionReference(gateway)) return rulesOfSection(read, gateway);
  return read
    .virtualServicesOfGateway(gateway)
    .flatMap((object) => read.get(ruleSet, objectKey(object)) ?? []);
}

const VIRTUAL_SERVICE = "networking.istio.io/VirtualService";

/** By the object's key; made once for all the places where the object decides. */
const ruleSet = derivation<string, RuleSet | undefined>(
  "form/rule-set",
  (key) => key,
  (read, key) => {
    const object: MeshObject<VirtualService> | undefined = read.object(key);
    return (
      object &&
      virtualServiceRules(object, read.mesh.clusterDomain, (namespace, name) =>
        read.object(`${VIRTUAL_SERVICE}/${namespace}/${name}`),
      )
    );
  },
);
