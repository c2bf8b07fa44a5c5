import { Writable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Outgoing } from "./outgoing.ts";
import { createPace } from "./pace.ts";

const MEGABYTE = Buffer.alloc(1024 * 1024);
const ROOM = 8;

/** A client that takes a message only when it is told to. */
class Client extends Writable {
  readonly took: (() => void)[] = [];
  override _write(_: Buffer, __: string, done: () => void): void {
    this.took.push(done);
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

/** A hundred clients that are owed a megabyte each, and how many have been served. */
function crowd() {
  const clients = Array.from({ length: 100 }, () => new Client());
  const served: Client[] = [];
  const outgoing = new Outgoing(() => pace.goOn());
  const pace = createPace<Client>(
    (client) => {
      served.push(client);
      outgoing.write(client, MEGABYTE);
    },
    () => !outgoing.crowded,
  );
  for (const client of clients) pace.request(client);
  return { served };
}

test("no more is on its way than there is room for, and each client that takes its own makes room for another", async () => {
  const { served } = crowd();
  await turn();
  expect(served).toHaveLength(ROOM);
  for (let count = ROOM + 1; count <= 100; count++) {
    served[count - ROOM - 1]!.took[0]!();
    await turn();
    expect(served).toHaveLength(count);
  }
});

test("clients that take nothing hold the others up for a second, not for good", async () => {
  const { served } = crowd();
  await turn();
  vi.advanceTimersByTime(999);
  await turn();
  expect(served).toHaveLength(ROOM);
  vi.advanceTimersByTime(1);
  await turn();
  expect(served).toHaveLength(2 * ROOM);
  // They come late, and count no more.
  for (const client of served.slice(0, ROOM)) client.took[0]!();
  await turn();
  expect(served).toHaveLength(2 * ROOM);
});

test("a message that is larger than all the room is sent, by itself", async () => {
  const served: number[] = [];
  const client = new Client();
  const outgoing = new Outgoing(() => pace.goOn());
  const pace = createPace<number>(
    (size) => {
      served.push(size);
      outgoing.write(client, Buffer.alloc(size));
    },
    () => !outgoing.crowded,
  );
  const large = (ROOM + 1) * MEGABYTE.length;
  pace.request(large);
  pace.request(1);
  await turn();
  expect(served).toEqual([large]);
  client.took[0]!();
  await turn();
  expect(served).toEqual([large, 1]);
});
