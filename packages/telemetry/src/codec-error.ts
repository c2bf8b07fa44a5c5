/** The error of every codec here: what was wrong with the bytes, where, and what to do. */

export type CodecErrorCode =
  /** Bytes that are not protobuf, or not the message that they should be. */
  | "HDL5001"
  /** Text that is not the JSON it should be. */
  | "HDL5002"
  /** A line that is not Prometheus's text format. */
  | "HDL5003"
  /** Nested deeper than any sender has a reason for. */
  | "HDL5004";

/** `where` names the place: a byte offset, a JSON path or a line. */
export class CodecError extends Error {
  readonly code: CodecErrorCode;
  readonly where: string;

  constructor(code: CodecErrorCode, message: string, where: string) {
    super(`${code}: ${message} (at ${where})`);
    this.name = "CodecError";
    this.code = code;
    this.where = where;
  }
}
