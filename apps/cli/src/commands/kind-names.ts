/** Kinds and objects as people name them on the command line. */
import { CliError } from "../output/cli-error.ts";

/** The kind that a word means: its name, its plural, or a short form. HDL9034 where there is none. */
export async function kindNamed(
  text: string,
): Promise<{ group: string; kind: string; namespaced: boolean }> {
  const { kinds, nearest } = await import("@heddle/model");
  const word = text.toLowerCase();
  const found = kinds.find((k) =>
    [k.kind.toLowerCase(), k.plural, ...(SHORT_NAMES[k.kind] ?? [])].includes(word),
  );
  if (found) return found;
  const near = nearest(
    word,
    kinds.map((k) => k.kind.toLowerCase()),
  );
  throw new CliError(
    "HDL9034",
    `There is no kind "${text}".`,
    near ? `Did you mean ${near}?` : "Say for example virtualservice.",
    2,
  );
}

const SHORT_NAMES: Record<string, readonly string[] | undefined> = {
  VirtualService: ["vs"],
  DestinationRule: ["dr"],
  Gateway: ["gw"],
  PeerAuthentication: ["pa"],
  ServiceEntry: ["se"],
  Service: ["svc"],
};

/** Keys of objects of one kind. HDL9035 without names. */
export async function keysOf(
  kind: string,
  names: readonly string[],
  namespace: string,
): Promise<string[]> {
  const { kind: name, group, namespaced } = await kindNamed(kind);
  if (names.length === 0)
    throw new CliError("HDL9035", "No names were given.", `Say which ${name} is meant.`, 2);
  const place = namespaced ? namespace : "-";
  return names.map((n) => `${group || "core"}/${name}/${place}/${n}`);
}
