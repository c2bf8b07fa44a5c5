/** For tests of the Worker's own part: rooms that answer nobody. */
import { createWorker } from "../create-worker.ts";

export default createWorker(() => ({ room: () => ({ publish: () => Promise.resolve() }) }));
