/**
 * Bytes on their way to clients. A message is held, once for each client and once more encrypted, until the client's connection has
 * taken it: what all clients are sent at once is bounded, and who is served later is sent what is so then.
 */
import type { Writable } from "node:stream";

/** For all clients together. A hundred of them that are given a whole mesh at once otherwise take hundreds of megabytes. Bytes. */
const ROOM_BYTES = 8 * 1024 * 1024;
/** A client that has not taken a message by then holds up nobody else with it, in milliseconds. */
const PATIENCE_MS = 1_000;

export class Outgoing {
  #bytes = 0;
  readonly #onRoom: () => void;

  /** Calls back each time that there is room again. */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  /** There is room for no more now; what is written all the same is sent. */
  get crowded(): boolean {
    return this.#bytes >= ROOM_BYTES;
  }

  write(to: Writable, bytes: Buffer): void {
    this.#bytes += bytes.length;
    let onItsWay = true;
    const arrived = (): void => {
      if (!onItsWay) return;
      onItsWay = false;
      clearTimeout(timer);
      const before = this.crowded;
      this.#bytes -= bytes.length;
      if (before && !this.crowded) this.#onRoom();
    };
    const timer = setTimeout(arrived, PATIENCE_MS).unref();
    to.write(bytes, arrived);
  }
}
