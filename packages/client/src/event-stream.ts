/** Server-sent events over fetch (WHATWG HTML, section 9.2), so that the token travels in a header. */

export interface StreamEvent {
  /** `message` unless the server named it. */
  readonly event: string;
  readonly data: string;
  /** The last id sent. */
  readonly id: string;
}

/** The events of a response's body until it ends. Break out of the loop to close it. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<StreamEvent, void, undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let buffer = "";
  let id = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      buffer += decoder.decode(value, { stream: true });
      // A carriage return at the very end may be half of a line's end.
      const held = buffer.endsWith("\r") ? "\r" : "";
      const blocks = (held ? buffer.slice(0, -1) : buffer).replace(/\r\n?/g, "\n").split("\n\n");
      buffer = (blocks.pop() ?? "") + held;
      for (const block of blocks) {
        const event = parseEvent(block, id);
        id = event.id;
        if (event.data !== undefined) yield { event: event.event, data: event.data, id };
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function parseEvent(
  block: string,
  lastId: string,
): { event: string; data: string | undefined; id: string } {
  const data: string[] = [];
  let event = "message";
  let id = lastId;
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data.push(value);
    else if (field === "event") event = value || "message";
    else if (field === "id") id = value;
  }
  return { event, data: data.length > 0 ? data.join("\n") : undefined, id };
}
