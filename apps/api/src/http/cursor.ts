/** Where a list goes on: an opaque text that holds the last item's sort key. */
import { problem } from "./problem.ts";

export function encodeCursor(position: readonly (string | number)[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(position));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Refuses with HDL1025 what is not `encodeCursor` of as many parts. */
export function decodeCursor(
  cursor: string,
  parts: readonly ("string" | "number")[],
): (string | number)[] {
  try {
    const text = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const value: unknown = JSON.parse(
      new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))),
    );
    if (
      Array.isArray(value) &&
      value.length === parts.length &&
      value.every((part, index) => typeof part === parts[index])
    )
      return value as (string | number)[];
  } catch {
    // Said below.
  }
  throw problem("HDL1025", "This cursor was not made by this list.");
}

/** A page of at most `limit` of items that were asked for with `limit + 1`. */
export function pageOf<T>(
  items: readonly T[],
  limit: number,
  position: (last: T) => readonly (string | number)[],
): { items: T[]; next?: string } {
  const shown = items.slice(0, limit);
  const last = shown.at(-1);
  return items.length > limit && last !== undefined
    ? { items: shown, next: encodeCursor(position(last)) }
    : { items: shown };
}
