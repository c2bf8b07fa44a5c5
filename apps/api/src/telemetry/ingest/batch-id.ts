/** The header by which a sender numbers its batches, so that one that is sent again is stored once. */

import { telemetryProblem } from "../problems.ts";
import type { BatchId } from "../telemetry-store.ts";

/** `<stream>/<number>`: a stream is one sender's sequence, delivered in order. */
export const batchHeader = "x-heddle-batch";

/** Undefined without the header. Streams of different tokens never meet. Throws problem HDL5118. */
export function readBatchId(value: string | undefined, token: string): BatchId | undefined {
  if (value === undefined) return undefined;
  const match = /^([\w.:-]{1,128})\/(\d{1,15})$/.exec(value);
  if (!match)
    throw telemetryProblem(
      "HDL5118",
      `The header ${batchHeader} must be <stream>/<number>, not ${JSON.stringify(value.slice(0, 100))}.`,
    );
  return { stream: `${token}/${match[1]}`, number: Number(match[2]) };
}
