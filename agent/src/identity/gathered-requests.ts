/** Gathers what is wanted into few requests. What fails is asked for again, together too: a plane that is away is not asked by each. */

/** What is wanted within this time shares a request, milliseconds. */
const GATHER = 3;
/** As many as a plane signs at once. */
const MOST = 500;
/** Tries again after so long, milliseconds, and then twice as long each time. */
const RETRY = { first: 100, longest: 10_000 };

export interface GatheredRequests<Item> {
  want(item: Item): void;
  close(): void;
}

export interface GatheredRequestsParts<Item> {
  readonly ask: (items: readonly Item[]) => Promise<void>;
  /** Whether one of the items is to blame, so that the others are to be asked for without it. */
  readonly isRefusal: (error: unknown) => boolean;
  /** They are asked for again later. */
  readonly failed: (items: readonly Item[], error: unknown) => void;
}

export function gatherRequests<Item>({
  ask,
  isRefusal,
  failed,
}: GatheredRequestsParts<Item>): GatheredRequests<Item> {
  let wanted = new Set<Item>();
  let gathering: NodeJS.Timeout | undefined;
  let retrying: NodeJS.Timeout | undefined;
  const again = new Set<Item>();
  let failures = 0;
  let closed = false;

  const want = (item: Item) => {
    if (closed) return;
    wanted.add(item);
    gathering ??= setTimeout(() => {
      gathering = undefined;
      const items = [...wanted];
      wanted = new Set();
      for (let start = 0; start < items.length; start += MOST)
        void request(items.slice(start, start + MOST));
    }, GATHER);
  };
  const request = async (items: readonly Item[]): Promise<void> => {
    try {
      await ask(items);
      failures = 0;
    } catch (error) {
      if (closed) return;
      if (items.length > 1 && isRefusal(error)) {
        const half = Math.ceil(items.length / 2);
        await Promise.all([request(items.slice(0, half)), request(items.slice(half))]);
      } else {
        failed(items, error);
        retry(items);
      }
    }
  };
  const retry = (items: readonly Item[]) => {
    for (const item of items) again.add(item);
    if (retrying !== undefined) return;
    const ceiling = Math.min(RETRY.first * 2 ** failures++, RETRY.longest);
    retrying = setTimeout(
      () => {
        retrying = undefined;
        const items = [...again];
        again.clear();
        for (const item of items) want(item);
      },
      ceiling * (0.5 + Math.random() / 2),
    );
  };
  return {
    want,
    close() {
      closed = true;
      clearTimeout(gathering);
      clearTimeout(retrying);
    },
  };
}
