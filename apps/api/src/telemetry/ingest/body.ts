/** Reads a request's body, unpacked, within limits on both what is sent and what it unfolds to. */

import { telemetryProblem } from "../problems.ts";

/** A batch of the agent is below 1 MiB; other senders' batches may be larger. */
export const maximumSentBytes = 8 * 1024 * 1024;
/** What gzip may unfold to: a few kilobytes could otherwise fill the memory. */
export const maximumUnpackedBytes = 32 * 1024 * 1024;

/** Throws problem HDL5111 or HDL5112, before anything is decoded. */
export async function readBody(request: Request): Promise<Uint8Array> {
  const encoding = (request.headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding !== "identity" && encoding !== "gzip")
    throw telemetryProblem("HDL5112", `The content encoding ${encoding} is not supported.`);
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > maximumSentBytes) throw tooLarge(announced, maximumSentBytes);
  if (!request.body) return new Uint8Array();
  const sent = limited(request.body, maximumSentBytes);
  if (encoding === "identity") return gather(sent, maximumSentBytes);
  try {
    return await gather(sent.pipeThrough(new DecompressionStream("gzip")), maximumUnpackedBytes);
  } catch (error) {
    if (error instanceof Error && error.name === "ProblemError") throw error;
    throw telemetryProblem("HDL5110", "The body says that it is gzip, and is not.", {
      cause: error,
    });
  }
}

function limited(
  stream: ReadableStream<Uint8Array>,
  limit: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let size = 0;
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        size += chunk.byteLength;
        if (size > limit) throw tooLarge(size, limit);
        controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
      },
    }),
  );
}

async function gather(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge(size, limit);
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

function tooLarge(size: number, limit: number) {
  return telemetryProblem("HDL5111", `The batch has ${size} bytes or more; the limit is ${limit}.`);
}
