/** Requests that go on at once. */
const AT_ONCE = 40;

/** Acts on each item, on the first of them first. Rejects with the first failure. */
export async function inTurn<T>(
  items: readonly T[],
  act: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await act(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
