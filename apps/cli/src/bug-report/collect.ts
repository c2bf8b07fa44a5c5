/** Files of a report, one after the other: what fails is noted in the report and keeps nothing else from it. */
import { ApiFailure } from "@heddle/agent/kubernetes";
import type { Archive } from "./archive.ts";

export interface Collector {
  /** Adds what `read` resolves to. Never rejects. */
  file(path: string, read: () => Promise<string>): Promise<void>;
  /** The value for others to go on with; undefined where it cannot be had, which is noted under the name. */
  value<T>(name: string, read: () => Promise<T>): Promise<T | undefined>;
  readonly outcome: Outcome;
}

export interface Outcome {
  readonly files: string[];
  readonly failed: { readonly what: string; readonly why: string }[];
  /** For want of room. */
  readonly leftOut: string[];
}

/** As many requests at once as an API server does not notice. */
const AT_ONCE = 6;

export function createCollector(archive: Archive): Collector {
  const outcome: Outcome = { files: [], failed: [], leftOut: [] };
  const collector: Collector = {
    outcome,
    async file(path, read) {
      const text = await collector.value(path, read);
      if (text === undefined) return;
      ((await archive.add(path, text)) ? outcome.files : outcome.leftOut).push(path);
    },
    async value(name, read) {
      try {
        return await read();
      } catch (error) {
        const { message } = error instanceof ApiFailure ? error : (error as Error);
        outcome.failed.push({ what: name, why: message || String(error) });
        return undefined;
      }
    },
  };
  return collector;
}

export async function each<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
