/** One value on disk as JSON: a convenience for the next start, and nothing to fail on. */
import type { z } from "zod";
import type { StateDirectory } from "./state-directory.ts";

export interface KeptFile<Value> {
  /** Undefined where there is no file, or one that does not hold such a value. */
  load(): Promise<Value | undefined>;
  /** Behind the caller; of values that come while one is written only the last is, and only that one is made. */
  keep(make: () => Value): void;
  /** Resolves when all is written that will be. */
  settled(): Promise<void>;
}

export interface KeptFileOptions {
  readonly failed: (error: unknown) => void;
  /** Values of so long are written together, milliseconds; 0: each at once. */
  readonly gather?: number;
}

export function keptFile<Value>(
  directory: Pick<StateDirectory, "read" | "write">,
  name: string,
  schema: z.ZodType<Value>,
  { failed, gather = 0 }: KeptFileOptions,
): KeptFile<Value> {
  let newest: (() => Value) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  const write = async () => {
    while (newest) {
      const text = JSON.stringify(newest());
      newest = undefined;
      await directory.write(name, text).catch(failed);
    }
    working = undefined;
  };
  const begin = () => {
    clearTimeout(timer);
    timer = undefined;
    working ??= write();
  };
  return {
    async load() {
      const text = await directory.read(name);
      const stored = schema.safeParse(text === undefined ? undefined : parsed(text));
      return stored.success ? stored.data : undefined;
    },
    keep(make) {
      newest = make;
      if (gather === 0) begin();
      else timer ??= setTimeout(begin, gather);
    },
    async settled() {
      if (newest) begin();
      await working;
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
