/** The plane on Workers: the app of `createWorker`, and a Durable Object for each mesh's sync room. */
import { consoleLog, createWorker } from "./edge/create-worker.ts";
import { databaseChoice, type WorkerEnvironment } from "./edge/environment.ts";
import { transactionDatabase } from "./edge/request-database.ts";
import { meshRoomClass } from "./sync/durable-object.ts";
import { createDurableRooms } from "./sync/durable-rooms.ts";

export const SyncRoom = meshRoomClass<WorkerEnvironment>((env) => {
  const { kind, open } = databaseChoice(env);
  const base = { db: transactionDatabase(kind, open), clock: () => Date.now(), log: consoleLog };
  return { ...base, rooms: createDurableRooms(env.ROOMS, base) };
});

export default createWorker((env, base) => createDurableRooms(env.ROOMS, base));
