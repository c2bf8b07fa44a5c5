/** Which of several controllers in a cluster a Gateway is for, where its class alone does not say. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import type { MeshObject } from "../object.ts";
import type { GatewayApiReader } from "./reader.ts";

/** An installation, as labels name it. */
export interface Revision {
  readonly name: string;
  /** Whether it also stands for what names no revision. */
  readonly isDefault: boolean;
}

export const ONLY_REVISION: Revision = { name: "default", isDefault: true };

/** As it names whichever stands for what names none. */
const DEFAULT = "default";
/** The revision that an object, a namespace or a pod asks for. */
export const REVISION_LABEL = "heddle.dev/rev";
export const ISTIO_REVISION_LABEL = "istio.io/rev";
/** Our own word goes before Istio's, so that an object can name one of each. */
const LABELS = [REVISION_LABEL, ISTIO_REVISION_LABEL];
/** Istio's controller writes it to the Gateways that it deploys. */
const ISTIOS_MARK = "gateway.istio.io/controller-version";

/** The revision that labels name. */
export function namedRevision(labels: Readonly<Record<string, string>> = {}): string | undefined {
  for (const label of LABELS) if (labels[label]) return labels[label];
  return undefined;
}

/** Whether a name that labels have stands for the installation. */
export function isRevision({ name, isDefault }: Revision, named: string): boolean {
  return named === name || (named === DEFAULT && isDefault);
}

/**
 * Whether a Gateway is for this installation: by its own label, else by its namespace's. One that names none, of a class that Istio
 * has too, is for the default one, unless Istio has deployed it.
 */
export function isOfRevision(
  read: Pick<GatewayApiReader, "object" | "revision">,
  { metadata: { namespace, labels, annotations } }: MeshObject<GatewayApi.Gateway>,
  sharedClass: boolean,
): boolean {
  const named =
    namedRevision(labels) ??
    namedRevision(read.object(`core/Namespace/-/${namespace}`)?.metadata.labels);
  if (named !== undefined) return isRevision(read.revision, named);
  return !sharedClass || (read.revision.isDefault && annotations[ISTIOS_MARK] === undefined);
}
