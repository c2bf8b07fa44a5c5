/** An answer that is the same for nearly every namespace, with the exceptions by name. */
import { deepEqual } from "../engine/deep-equal.ts";

/**
 * What depends on the client's namespace rarely depends on it for a given host. Telling the exceptions apart lets clients
 * of all other namespaces share what is derived for the host.
 */
export interface ByNamespace<T> {
  /** For every namespace that is no exception. */
  readonly generic: T;
  readonly exceptions: ReadonlyMap<string, T>;
}

/** The namespace that stands for every namespace that is no exception. */
export const ANY_NAMESPACE = "";

/** Asks for a namespace that nobody has, then for those where the answer could differ. */
export function byNamespace<T>(
  candidates: Iterable<string>,
  answer: (namespace: string) => T,
): ByNamespace<T> {
  const generic = answer(ANY_NAMESPACE);
  let exceptions: Map<string, T> | undefined;
  for (const namespace of new Set(candidates)) {
    const own = answer(namespace);
    if (!deepEqual(own, generic)) (exceptions ??= new Map()).set(namespace, own);
  }
  return { generic, exceptions: exceptions ?? NONE };
}

const NONE: ReadonlyMap<string, never> = new Map<string, never>();

export function answerFor<T>(answers: ByNamespace<T>, namespace: string): T {
  const { exceptions } = answers;
  if (exceptions.size > 0 && exceptions.has(namespace)) return exceptions.get(namespace) as T;
  return answers.generic;
}

/** Namespaces that an `exportTo` of `owner`'s object singles out; `*` and `~` single out none. */
export function namespacesNamed(exportTo: readonly string[] | undefined, owner: string): string[] {
  return (exportTo ?? []).flatMap((to) =>
    to === "*" || to === "~" ? [] : [to === "." ? owner : to],
  );
}
