/** Server-sent events of a mesh: revisions, convergence and agents as they change. */
import type { Progress } from "@heddle/sync";

export type MeshEvent =
  | {
      readonly type: "revision";
      readonly number: number;
      readonly hash: string;
      readonly time: string;
    }
  | {
      readonly type: "convergence";
      readonly revision: number;
      readonly proxies: number;
      readonly acknowledged: number;
      readonly durationMs?: number;
      readonly state: "applied" | "pending" | "stale" | "no-agents";
    }
  | {
      readonly type: "agents";
      readonly id: string;
      readonly name: string;
      readonly connected: boolean;
      readonly acknowledged: number;
      readonly proxies: number;
    }
  /** How many certificates of agents and workloads end soon, whenever that has changed. */
  | {
      readonly type: "certificates";
      readonly warning: number;
      readonly critical: number;
      readonly expired: number;
    }
  /** Another authority signs, or others are trusted; `step` is that of a rotation under way. */
  | { readonly type: "authority"; readonly version: string; readonly step?: string };

export interface EventHub {
  emit(event: MeshEvent): void;
  stream(): ReadableStream<Uint8Array>;
  close(): void;
}

/** A comment now and then keeps proxies between from closing a silent stream; milliseconds. */
const KEEP_ALIVE = 15_000;
/** A reader that lets so many bytes pile up is cut off; it connects again and reads anew. */
const MOST_UNREAD_BYTES = 1024 * 1024;

export function createEventHub(): EventHub {
  const readers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  const encoder = new TextEncoder();
  let timer: ReturnType<typeof setInterval> | undefined;
  const drop = (reader: ReadableStreamDefaultController<Uint8Array>) => {
    readers.delete(reader);
    if (readers.size === 0) clearInterval(timer);
    try {
      reader.close();
    } catch {
      // Already closed by its reader.
    }
  };
  const write = (text: string) => {
    const bytes = encoder.encode(text);
    for (const reader of readers) {
      if ((reader.desiredSize ?? 0) < -MOST_UNREAD_BYTES) drop(reader);
      else reader.enqueue(bytes);
    }
  };
  return {
    emit: ({ type, ...data }) => write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`),
    stream() {
      let own: ReadableStreamDefaultController<Uint8Array>;
      return new ReadableStream<Uint8Array>(
        {
          start(controller) {
            own = controller;
            if (readers.size === 0) timer = setInterval(() => write(": \n\n"), KEEP_ALIVE);
            readers.add(controller);
            controller.enqueue(encoder.encode(": \n\n"));
          },
          cancel: () => drop(own),
        },
        new ByteLengthQueuingStrategy({ highWaterMark: 64 * 1024 }),
      );
    },
    close() {
      for (const reader of readers) drop(reader);
    },
  };
}

export function convergenceEvent(
  progress: Progress,
  state: "applied" | "pending" | "stale" | "no-agents",
): MeshEvent {
  const { number, proxies, acknowledged, durationMs } = progress;
  return {
    type: "convergence",
    revision: number,
    proxies,
    acknowledged,
    ...(durationMs === undefined ? {} : { durationMs }),
    state,
  };
}
