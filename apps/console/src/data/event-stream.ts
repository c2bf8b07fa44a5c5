/** Server-sent events over fetch, because EventSource cannot carry a bearer token. */
import { send, type Parameters } from "./request.ts";

export interface ServerEvent {
  event: string;
  data: string;
  id: string;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/**
 * Follows a stream until it is closed, reconnecting with growing waits. `onState` says whether it is connected.
 * Returns the function that closes it.
 */
export function followEvents(
  path: string,
  query: Parameters,
  onEvent: (event: ServerEvent) => void,
  onState: (connected: boolean) => void = () => {},
): () => void {
  const abort = new AbortController();
  void follow(path, query, onEvent, onState, abort.signal);
  return () => abort.abort();
}

async function follow(
  path: string,
  query: Parameters,
  onEvent: (event: ServerEvent) => void,
  onState: (connected: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const response = await send("GET", path, { query, signal, accept: "text/event-stream" });
      onState(true);
      wait = FIRST_WAIT_MS;
      await readAll(response, onEvent);
    } catch {
      // The wait below is the answer to every failure; pages show the plane's state by their own queries.
    }
    if (signal.aborted) return;
    onState(false);
    await new Promise((resolve) => setTimeout(resolve, wait * (0.75 + Math.random() / 2)));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

async function readAll(response: Response, onEvent: (event: ServerEvent) => void): Promise<void> {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = createEventParser(onEvent);
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    parser(value);
  }
}

/** A parser of the `text/event-stream` format (HTML, section 9.2.6) that takes pieces as they arrive. */
export function createEventParser(onEvent: (event: ServerEvent) => void): (piece: string) => void {
  let rest = "";
  let current = { event: "message", data: [] as string[], id: "" };
  return (piece) => {
    rest += piece;
    // A lone CR at the end may be half of CRLF: it waits for the next piece.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (current.data.length > 0) onEvent({ ...current, data: current.data.join("\n") });
        current = { event: "message", data: [], id: current.id };
        continue;
      }
      const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
      if (field === "data") current.data.push(value);
      else if (field === "event") current.event = value;
      else if (field === "id") current.id = value;
    }
  };
}
