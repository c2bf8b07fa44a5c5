/** What reading a cluster asks the API server: one document, or a watch's lines as they come. */
import type { IncomingMessage } from "node:http";
import { StringDecoder } from "node:string_decoder";
import type { ApiAccess } from "../../kubernetes/access.ts";
import { ApiFailure } from "../../kubernetes/api-failure.ts";
import {
  noAnswer,
  openRequest,
  parseAnswer,
  type Query,
  textOf,
} from "../../kubernetes/request.ts";

/** Nothing heard for so long, milliseconds: the connection is given up. Watches are silent longer, see `Reflector`. */
const SILENCE = 30_000;
/** An object has 3 MiB at most, as the API server takes it; in JSON with escapes it may be larger. */
const MAX_LINE = 32 * 1024 * 1024;

export interface ApiServer {
  readonly address: string;
  /** Whether it knows by now all that it is to serve, so that what it lacks is not there. Rejects with `ApiFailure`. */
  isReady(signal: AbortSignal): Promise<boolean>;
  /** A document. Rejects with `ApiFailure`. */
  get(path: string, query: Query, ask: Ask): Promise<unknown>;
  /** The lines of an answer that does not end. `opened` is called when the server has begun to answer. Throws `ApiFailure`. */
  lines(
    path: string,
    query: Query,
    ask: Ask & { readonly silence: number; readonly opened: () => void },
  ): AsyncGenerator<string>;
}

interface Ask {
  readonly signal: AbortSignal;
  readonly accept?: string;
}

export function createApiServer(access: ApiAccess): ApiServer {
  return {
    address: access.server.origin,
    async isReady(signal) {
      try {
        const ask = { path: "/readyz", silence: SILENCE, signal, accept: "text/plain" };
        await textOf(await openRequest(access, ask));
        return true;
      } catch (error) {
        const { status, refused } = error as ApiFailure;
        if (status === undefined) throw error;
        // Where nobody is let to ask, what it answers otherwise has to do.
        return refused || status === 404;
      }
    },
    async get(path, query, ask) {
      return parseAnswer(
        await textOf(await openRequest(access, { path, query, silence: SILENCE, ...ask })),
      );
    },
    async *lines(path, query, { opened, silence, ...ask }) {
      const response = await openRequest(access, { path, query, silence: SILENCE, ...ask });
      response.socket.setTimeout(silence);
      opened();
      yield* linesOf(response);
    },
  };
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let parts: string[] = [];
  let length = 0;
  try {
    for await (const chunk of response) {
      const pieces = decoder.write(chunk as Buffer).split("\n");
      for (const [index, piece] of pieces.entries()) {
        if (index > 0) {
          const line = parts.join("");
          parts = [];
          length = 0;
          if (line !== "") yield line;
        }
        parts.push(piece);
        length += piece.length;
        if (length > MAX_LINE)
          throw new ApiFailure(`an event has more than ${MAX_LINE} characters`, 200);
      }
    }
  } catch (error) {
    throw noAnswer(error);
  } finally {
    response.destroy();
  }
}
