/** How a request to the API server fails. */
export class ApiFailure extends Error {
  /** HTTP status of the answer; undefined: there was none. */
  readonly status: number | undefined;
  /** Kubernetes' word for it: `Forbidden`, `Expired`. */
  readonly reason: string;
  /** Milliseconds that the server asks to wait. */
  readonly retryAfter: number;
  constructor(message: string, status?: number, reason = "", retryAfter = 0, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ApiFailure";
    this.status = status;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }

  /** As whatever was thrown; what is none stands for an answer that cannot be used. */
  static of(error: unknown): ApiFailure {
    return error instanceof ApiFailure ? error : new ApiFailure(String(error), 0, "", 0, error);
  }

  /** The server does not let the agent ask. */
  get refused(): boolean {
    return this.status === 401 || this.status === 403;
  }

  /** There is no such object, or no such kind. */
  get missing(): boolean {
    return this.status === 404;
  }

  /** Somebody else was first: the object is another one than was said, or there is one of that name already. */
  get conflict(): boolean {
    return this.status === 409;
  }

  /** The object is not one that the server takes: asking again is in vain. */
  get invalid(): boolean {
    return this.status === 400 || this.status === 413 || this.status === 422;
  }

  /** Nobody answered, or not now: the same again may work. Whether a write has happened is not known. */
  get unavailable(): boolean {
    return this.status === undefined || this.status === 429 || this.status >= 500;
  }
}
