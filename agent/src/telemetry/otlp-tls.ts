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
import type { Log } from "./telemetry-options.ts";

/** Whose token it is. Rejects with `CallerRefused`. */
export type Prove = (token: string) => Promise<Sender>;

/** So long a proof holds, milliseconds: proxies send every second, and the last words of a pod come when it has gone. */
const HOLDS = 10_000;
/** Proofs that are kept: more than an agent has proxies. */
const MAX_PROOFS = 20_000;

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
  const proofs = new Map<string, { readonly sender: Promise<Sender>; readonly until: number }>();
  return (token) => {
    if (token === undefined)
      return Promise.reject(new CallerRefused("HDL7250", "The call carries no token of a pod."));
    // What is written to memory dumps must open nothing.
    const hash = createHash("sha256").update(token).digest("base64");
    const known = proofs.get(hash);
    if (known && known.until > performance.now()) return known.sender;
    const sender = prove(token);
    proofs.delete(hash);
    proofs.set(hash, { sender, until: performance.now() + HOLDS });
    const [oldest] = proofs.keys();
    if (proofs.size > MAX_PROOFS && oldest !== undefined) proofs.delete(oldest);
    // The control process has its own memory of those that it refuses.
    sender.catch(() => proofs.delete(hash));
    return sender;
  };
}
