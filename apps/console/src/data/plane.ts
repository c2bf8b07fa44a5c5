/** The plane as pages ask it: the shared client, with the stored token, its failures in the console's terms. */
import {
  allOf,
  createClient,
  type HeddleClient,
  HeddleApiError,
  type Page,
  type StreamEvent,
} from "@heddle/client";
import { dropToken, storedToken } from "../session/token.ts";
import type { Interval } from "../time/range.ts";
import { PlaneUnreachable } from "./plane-error.ts";

/** Pages ask again by themselves, so that the state between is on screen. */
const client = createClient({ baseUrl: "", token: storedToken, retries: 0 });

/** Runs calls of the client. A refused token signs out, with the plane's reason; silence becomes `PlaneUnreachable`. */
export async function ask<T>(call: (client: HeddleClient) => Promise<T>): Promise<T> {
  try {
    return await call(client);
  } catch (error) {
    throw inOurTerms(error);
  }
}

/** Reads a list to its end. */
export function askAll<T>(
  page: (client: HeddleClient, cursor: string | undefined) => Promise<Page<T>>,
): Promise<T[]> {
  return ask(async (plane) => {
    const items: T[] = [];
    for await (const item of allOf((cursor) => page(plane, cursor))) items.push(item);
    return items;
  });
}

/** Resolves where the plane takes the token, and rejects with its reason where not. */
export async function checkToken(token: string): Promise<void> {
  try {
    await createClient({ baseUrl: "", token, retries: 0 }).whoAmI();
  } catch (error) {
    throw isSilence(error) ? new PlaneUnreachable("no answer", { cause: error }) : error;
  }
}

/** A range as the API takes it. */
export function between({ from, to }: Interval): { from: string; to: string } {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/**
 * Follows a stream until it is closed, opening it again with growing waits. `onState` says whether it is open.
 * Returns the function that closes it.
 */
export function follow(
  open: (client: HeddleClient, signal: AbortSignal) => AsyncIterable<StreamEvent>,
  onEvent: (event: StreamEvent) => void,
  onState: (open: boolean) => void = () => {},
): () => void {
  const abort = new AbortController();
  const { signal } = abort;
  void (async () => {
    let wait = FIRST_WAIT_MS;
    while (!signal.aborted) {
      try {
        onState(true);
        for await (const event of open(client, signal)) {
          wait = FIRST_WAIT_MS;
          onEvent(event);
        }
      } catch (error) {
        // Pages show the plane's state by their own queries; here the wait below is the answer to every failure.
        if (!signal.aborted) inOurTerms(error);
      }
      if (signal.aborted) return;
      onState(false);
      await new Promise((resolve) => setTimeout(resolve, wait * (0.75 + Math.random() / 2)));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  })();
  return () => abort.abort();
}

function inOurTerms(error: unknown): unknown {
  if (isSilence(error)) return new PlaneUnreachable("no answer", { cause: error });
  if (error instanceof HeddleApiError && error.status === 401) dropToken(error.message);
  return error;
}

/** No answer, or one from a proxy that stands before a plane that is down. */
function isSilence(error: unknown): boolean {
  if (error instanceof HeddleApiError)
    return [502, 503, 504].includes(error.status) && error.code === "";
  return error instanceof TypeError;
}
