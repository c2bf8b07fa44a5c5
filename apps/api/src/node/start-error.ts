/** Why a plane does not start, with what to do about it. */

/** HDL1051 (disk full), HDL1062 (port in use), HDL1063 (address cannot be listened on), HDL1064 (database unreachable), HDL1065 (a key that is none), HDL1066 (data directory cannot be written), HDL9123 (settings of a key service). */
export class PlaneStartError extends Error {
  override readonly name = "PlaneStartError";
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
  }
}

/** Listening failed. */
export function listenError(
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
): PlaneStartError {
  if (error.code === "EADDRINUSE")
    return new PlaneStartError(
      "HDL1062",
      `Port ${port} on ${host} is in use.`,
      "End the program that holds it, or choose another with --port.",
      error,
    );
  return new PlaneStartError(
    "HDL1063",
    `Cannot listen on ${host}:${port}: ${error.message}`,
    error.code === "EACCES"
      ? "Choose a port above 1023."
      : "Choose an address of this machine with --host.",
    error,
  );
}

/** Opening the data directory or the database failed. Errors that carry a code of ours pass as they are. */
export function openError(error: unknown, where: string): unknown {
  const found = error as { code?: string; message?: string };
  if (/^HDL\d{4}$/.test(found.code ?? "")) return error;
  const text = `${found.code ?? ""} ${found.message ?? String(error)}`;
  if (/ENOSPC|53100|No space left/.test(text))
    return new PlaneStartError(
      "HDL1051",
      `The disk that holds ${where} is full.`,
      "Free space on it and start again. Nothing was lost.",
      error,
    );
  if (/EACCES|EROFS|EPERM|ENOTDIR/.test(text))
    return new PlaneStartError(
      "HDL1066",
      `Cannot write to ${where}: ${found.message}`,
      "Choose another directory with --data, or give this user the right to write there.",
      error,
    );
  if (/ECONNREFUSED|ENOTFOUND|ETIMEDOUT|CONNECT_TIMEOUT|EAI_AGAIN|28P01|28000|3D000/.test(text))
    return new PlaneStartError(
      "HDL1064",
      `The database does not let us in: ${found.message}`,
      "Check DATABASE_URL, and that the database runs.",
      error,
    );
  return error;
}
