/** HDL0105, HDL0107: one host in several ServiceEntries that do not agree on it, or in one and in a Service. */
import type { Diagnostic, MeshObject } from "@heddle/model";
import { splitServiceHost } from "@heddle/model";
import { diagnostic, namesOf } from "../check.ts";
import type { Check, CheckContext } from "../check.ts";
import type { Entry } from "../mesh-index.ts";
import { seenTogether } from "../visibility.ts";

/** What is read of a ServiceEntry here. */
export interface ServiceEntryFacts {
  readonly hosts?: readonly string[];
  readonly addresses?: readonly string[];
  readonly ports?: readonly { readonly number?: number; readonly protocol?: string }[];
  readonly location?: string;
  readonly resolution?: string;
  readonly exportTo?: readonly string[];
}

type ServiceEntry = MeshObject<ServiceEntryFacts>;

export const checkServiceEntries: Check<ServiceEntryFacts> = function* (entry, context) {
  const { object } = entry;
  for (const [position, host] of (object.spec.hosts ?? []).entries()) {
    yield* shadowed(entry, host, position, context);
    const rivals = context.index
      .serviceEntries(host.toLowerCase())
      .filter(({ key, object: other }) => key !== entry.key && seenTogether(object, other))
      .map((other) => ({ other, clash: clashOf(object, other.object) }))
      .filter(({ clash }) => clash !== "");
    const [first] = rivals;
    if (!first) continue;
    yield diagnostic(entry, {
      code: "HDL0105",
      level: context.force ? "Warning" : "Error",
      path: `spec.hosts[${position}]`,
      message: `The ServiceEntries ${namesOf([entry, ...rivals.map(({ other }) => other)])} define host ${host} with a different ${first.clash}: where several are seen only the oldest would count.`,
    });
  }
};

function* shadowed(
  entry: Entry<ServiceEntryFacts>,
  host: string,
  position: number,
  { index }: CheckContext,
): Generator<Diagnostic> {
  const named = splitServiceHost(host.toLowerCase(), index.clusterDomain);
  if (!named || !index.entry(`core/Service/${named.namespace}/${named.name}`)) return;
  const near = named.namespace === entry.object.metadata.namespace;
  yield diagnostic(entry, {
    code: "HDL0107",
    path: `spec.hosts[${position}]`,
    message: `The Service ${named.namespace}/${named.name} is the host ${host}: of this ServiceEntry ${near ? "only subjectAltNames counts" : "nothing counts"} for it.`,
  });
}

/** What two of them say differently of their host; empty where each only adds to the other. */
function clashOf(a: ServiceEntry, b: ServiceEntry): string {
  if ((a.spec.resolution ?? "NONE") !== (b.spec.resolution ?? "NONE")) return "resolution";
  if ((a.spec.location ?? "MESH_EXTERNAL") !== (b.spec.location ?? "MESH_EXTERNAL"))
    return "location";
  for (const { number, protocol } of a.spec.ports ?? []) {
    const twin = b.spec.ports?.find((port) => port.number === number);
    if (twin && protocolText(twin.protocol) !== protocolText(protocol))
      return `protocol of port ${number}`;
  }
  const [mine, theirs] = [a.spec.addresses ?? [], b.spec.addresses ?? []];
  if (mine.length > 0 && theirs.length > 0 && mine.toSorted().join() !== theirs.toSorted().join())
    return "set of addresses";
  return "";
}

const protocolText = (protocol = "") => protocol.toUpperCase();
