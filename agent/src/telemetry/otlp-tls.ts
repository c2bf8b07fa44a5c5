/**
 * OTLP by TLS: what a pod sends is that pod's, as its token proves. Tokens are checked by the control process, which knows the cluster;
 * certificates are its too. Nothing else of what is received goes there, so that no flood of logs delays a push.
 */
import { createHash } from "node:crypto";
import type { Sender } from "@heddle/telemetry";
import { createAuthentication } from "../callers/call-authentication.ts";
import { CallerRefused } from "../callers/caller-refused.ts";
import { createCertificatePort, type ShownCertificate } from "../identity/shown-certificate.ts";
import type { ProvenSenders } from "./otlp-receiver.ts";
import { createShortMemory } from "./short-memory.ts";
import type { Log } from "./telemetry-options.ts";

/** Whose token it is. Rejects with `CallerRefused`. */
export type Prove = (token: string) => Promise<Sender>;

/** Proxies send every second, and the last words of a pod come when it has gone. More proofs than an agent has proxies. */
const PROOFS = { holdsMs: 10_000, most: 20_000 };

export interface OtlpTls extends ProvenSenders {
  show(certificate: ShownCertificate): void;
}

export function createOtlpTls(prove: Prove, log: Log): OtlpTls {
  const { credentials, show } = createCertificatePort();
  const { authenticated, callerOf } = createAuthentication<Sender>();
  const warn = (message: string, fields?: Readonly<Record<string, unknown>>) =>
    log("warn", message, fields);
  const who = { prove: remembered(prove) };
  return { credentials: authenticated(credentials, who, { warn }), show, senderOf: callerOf };
}

function remembered(prove: Prove): (token: string | undefined) => Promise<Sender> {
  // The control process has its own memory of those that it refuses.
  const proofs = createShortMemory<Sender>(PROOFS);
  return (token) => {
    if (token === undefined)
      return Promise.reject(new CallerRefused("HDL7250", "The call carries no token of a pod."));
    // What is written to memory dumps must open nothing.
    const hash = createHash("sha256").update(token).digest("base64");
    return proofs.get(hash, () => prove(token));
  };
}
