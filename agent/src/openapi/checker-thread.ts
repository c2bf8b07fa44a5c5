/** The thread that checks requests: compiles documents, and answers one message after the other. */
import { parentPort } from "node:worker_threads";
import type { Answer, Ask } from "./checker-messages.ts";
import { requestCheck, type RequestCheck } from "./request-check.ts";

const port = parentPort;
if (!port) throw new Error("This file runs as a worker thread.");

const checks = new Map<string, RequestCheck>();

port.on("message", (ask: Ask) => {
  let answer: Answer;
  try {
    if (ask.type === "load") {
      checks.delete(ask.name);
      checks.set(ask.name, requestCheck(ask.document));
      answer = {};
    } else {
      const refused = checks.get(ask.name)!(ask.request);
      answer = refused ? { refused } : {};
    }
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage(answer);
});
