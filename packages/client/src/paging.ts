/** Lists that go on: page by page, as one sequence. */
import type { Page } from "./types.ts";

export interface PageOptions {
  cursor?: string | undefined;
  /** Most items of one page. */
  limit?: number | undefined;
}

/** Every item of a list, asking for the next page when the last is used up. */
export async function* allOf<T>(
  page: (cursor: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  do {
    const { items, next } = await page(cursor);
    yield* items;
    cursor = next;
  } while (cursor !== undefined);
}
