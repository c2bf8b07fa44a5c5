import type { CliCode } from "./codes.ts";

/** A failure that the person at the terminal can act on: a stable code, what went wrong and where, and what to do. */
export class CliError extends Error {
  readonly code: CliCode;
  readonly remedy: string;
  /** 1: the command failed or found something wrong; 2: it was used wrongly. */
  readonly exitCode: 1 | 2;

  constructor(code: CliCode, message: string, remedy: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.name = "CliError";
    this.code = code;
    this.remedy = remedy;
    this.exitCode = exitCode;
  }
}
