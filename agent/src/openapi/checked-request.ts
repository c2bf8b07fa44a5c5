/** What is known of a request when it is checked, and how it is refused. */

export interface CheckedRequest {
  readonly method: string;
  /** With its query, as proxies have normalized it. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The body is longer than what is here of it. */
  readonly partial: boolean;
}

export interface Refused {
  readonly status: 400 | 404 | 405 | 413 | 415;
  /** Methods that are described, with 405. */
  readonly allow?: readonly string[];
  /** `PUT /pets/{id}`; the method and `*` where none is described. */
  readonly operation: string;
  /** `path`, `query.tags`, `header.x-key`, `cookie.id`, `body/name`. */
  readonly place: string;
  /** What must be; never what was. */
  readonly reason: string;
}

/** Thrown inside of a check; becomes a `Refused`. */
export class Refusal extends Error {
  readonly status: Refused["status"];
  readonly place: string;
  readonly allow: readonly string[] | undefined;

  constructor(status: Refused["status"], place: string, reason: string, allow?: readonly string[]) {
    super(reason);
    this.status = status;
    this.place = place;
    this.allow = allow;
  }
}
