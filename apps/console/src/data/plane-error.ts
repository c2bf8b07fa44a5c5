/** What went wrong between console and plane, in a form that a page can show: what, why, what to do. */
import { HeddleApiError } from "@heddle/client";

/** The plane gave no answer: down, or the network between is. */
export class PlaneUnreachable extends Error {
  override readonly name = "PlaneUnreachable";
}

export interface Failure {
  title: string;
  detail: string;
  remedy: string;
  code?: string;
  /** A command that a person can copy. */
  command?: string;
}

/** A failure in words: cause first, then the next step. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof PlaneUnreachable) {
    return {
      title: "The plane does not answer",
      detail: "Proxies go on with their last configuration; only this view stands still.",
      remedy: "Start the plane, or look at its log. This page tries again by itself.",
      command: "heddle up",
    };
  }
  if (error instanceof HeddleApiError) {
    const { problem } = error;
    const failure: Failure = {
      title: problem.title,
      detail: problem.detail,
      remedy:
        problem.remedy ??
        remedies[problem.status] ??
        "Try again; if it stays, look at the plane's log.",
    };
    if (problem.code) failure.code = problem.code;
    return failure;
  }
  return {
    title: "The console failed here",
    detail: error instanceof Error ? error.message : String(error),
    remedy: "Load the page again. Nothing was changed in the mesh.",
  };
}

const remedies: Record<number, string> = {
  403: "Ask an owner of the mesh for a token with this scope.",
  404: "It may have been deleted, or the address is wrong. Go back to the list.",
  409: "Somebody else changed it meanwhile. Load it again and repeat your change.",
  429: "Wait a moment; the plane limits how fast one token may ask.",
  501: "This plane keeps no telemetry. Run it with the embedded store, or give it one.",
};
