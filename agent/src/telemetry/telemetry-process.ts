/** The telemetry process of an agent: started by the control process, and ended with it. */

import type { AddressOwner, Sender } from "@heddle/telemetry";
import { CallerRefused } from "../callers/caller-refused.ts";
import type { ShownCertificate } from "../identity/shown-certificate.ts";
import type { FromTelemetry, ToTelemetry } from "./messages.ts";
import { runTelemetry, type LocalTelemetry } from "./run-telemetry.ts";
import type { ScrapeTarget } from "./telemetry-options.ts";

/** A control process that is busy for longer counts as not ready. */
const answerMs = 1000;
/** It may wait for a pod that it has not heard of yet. */
const proofMs = 10_000;

let telemetry: LocalTelemetry | undefined;
let targets: readonly ScrapeTarget[] = [];
let ending: Promise<void> | undefined;
let certificate: ShownCertificate | undefined;
let lastId = 0;
const asked = new Map<number, (state: { metrics: string; ready: boolean }) => void>();
const proofs = new Map<number, PromiseWithResolvers<Sender>>();
const owners = new Map<number, (owner: AddressOwner | undefined) => void>();

process.on("message", (message: ToTelemetry) => {
  if (message.type === "start") {
    targets = message.targets;
    void start(message);
  } else if (message.type === "targets") {
    targets = message.targets;
  } else if (message.type === "state") {
    asked.get(message.id)?.(message);
  } else if (message.type === "certificate") {
    ({ certificate } = message);
    telemetry?.show(certificate);
  } else if (message.type === "proven") {
    proofs.get(message.id)?.resolve(message.sender);
  } else if (message.type === "refused") {
    proofs.get(message.id)?.reject(new CallerRefused(message.code, message.message));
  } else if (message.type === "owner") {
    owners.get(message.id)?.(message.owner);
  } else {
    void stop();
  }
});
process.on("disconnect", () => void stop());
// The control process decides when to end: a terminal's Ctrl-C reaches both.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => void stop());

async function start({ settings }: Extract<ToTelemetry, { type: "start" }>): Promise<void> {
  try {
    telemetry = await runTelemetry(settings, {
      targets: () => targets,
      ownMetrics: async () => (await ask()).metrics,
      ready: async () => (await ask()).ready,
      prove,
      whoHas,
      log: (level, message, fields = {}) => send({ type: "log", level, message, fields }),
    });
    if (certificate) telemetry.show(certificate);
    send({ type: "started", ports: telemetry.ports });
  } catch (error) {
    send({ type: "failed", message: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
    process.disconnect?.();
  }
}

function ask(): Promise<{ metrics: string; ready: boolean }> {
  const id = ++lastId;
  return new Promise((resolve) => {
    const done = (state: { metrics: string; ready: boolean }) => {
      clearTimeout(timer);
      asked.delete(id);
      resolve(state);
    };
    const timer = setTimeout(() => done({ metrics: "", ready: false }), answerMs);
    asked.set(id, done);
    send({ type: "ask", id });
  });
}

function prove(token: string): Promise<Sender> {
  const id = ++lastId;
  const proof = Promise.withResolvers<Sender>();
  const silent = new CallerRefused("HDL7254", "The token cannot be checked now.");
  const timer = setTimeout(() => proof.reject(silent), proofMs);
  proofs.set(id, proof);
  send({ type: "prove", id, token });
  return proof.promise.finally(() => {
    clearTimeout(timer);
    proofs.delete(id);
  });
}

/** Nobody is named where the control process is busy: records do not wait for it. */
function whoHas(address: string): Promise<AddressOwner | undefined> {
  const id = ++lastId;
  return new Promise((resolve) => {
    const done = (owner: AddressOwner | undefined) => {
      clearTimeout(timer);
      owners.delete(id);
      resolve(owner);
    };
    const timer = setTimeout(() => done(undefined), answerMs);
    owners.set(id, done);
    send({ type: "who", id, address });
  });
}

/** However often it is asked for: what waits must be on disk before the process ends. */
function stop(): Promise<void> {
  ending ??= (async () => {
    await telemetry?.close();
    send({ type: "closed" });
    process.exit();
  })();
  return ending;
}

function send(message: FromTelemetry): void {
  if (process.connected) process.send?.(message);
}
