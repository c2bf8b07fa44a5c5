/** Why a caller on the TLS port is not served. */
import { status } from "@grpc/grpc-js";

export type CallerCode = "HDL7250" | "HDL7251" | "HDL7252" | "HDL7253" | "HDL7254";

/** What each code is to gRPC: who one is cannot be proven, what one claims is not true, or nobody can tell now. */
const REASONS = {
  HDL7250: "UNAUTHENTICATED",
  HDL7251: "UNAUTHENTICATED",
  HDL7252: "UNAUTHENTICATED",
  HDL7253: "PERMISSION_DENIED",
  HDL7254: "UNAVAILABLE",
} as const satisfies Record<CallerCode, keyof typeof status>;

export class CallerRefused extends Error {
  override readonly name = "CallerRefused";
  readonly code: CallerCode;
  /** The message without its code. */
  readonly what: string;

  /** `message` names no secret: the caller reads it. */
  constructor(code: CallerCode, message: string, cause?: unknown) {
    super(`${code} ${message}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.what = message;
  }

  get reason(): (typeof REASONS)[CallerCode] {
    return REASONS[this.code];
  }

  /** As a call ends with it. */
  get status(): { readonly code: status; readonly details: string } {
    return { code: status[this.reason], details: this.message };
  }
}
