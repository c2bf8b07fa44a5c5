/** What keeps kinds from being followed, as diagnostics: once for a server that is away, else for each kind. */
import type { Diagnostic } from "@heddle/model";
import type { AgentLog } from "../../log.ts";
import type { ReflectorState } from "./reflector.ts";
import { resourceName, type WatchedKind } from "./watched.ts";

/** Attempts after which a failure is told: a server that starts anew refuses for a moment. */
const TOLD_AFTER = 3;

interface Trouble {
  readonly code: "HDL7231" | "HDL7232" | "HDL7234" | "HDL7235";
  readonly level: Diagnostic["level"];
  readonly origin: string;
  readonly message: string;
  readonly remedy: string;
}

export interface Troubles {
  look(
    states: readonly (readonly [WatchedKind, ReflectorState])[],
    /** Kinds in versions that cannot be read, each with what is to be said. */
    strange: readonly (readonly [WatchedKind, string])[],
  ): Diagnostic[];
}

/** Logs what comes and what goes. */
export function createTroubles(server: string, log: AgentLog): Troubles {
  let before = new Map<string, Trouble>();
  return {
    look(states, strange) {
      const now = new Map<string, Trouble>();
      for (const [kind, state] of states) {
        const { failure, attempts } = state;
        if (!failure || attempts < TOLD_AFTER) continue;
        const trouble =
          failure.status === undefined
            ? away(server, failure.message)
            : failure.status === 403
              ? forbidden(kind, failure.message, state.listed)
              : refused(kind, `${failure.status} ${failure.message}`, state.listed);
        // Each connection may fail in its own way: what is told of the server is told once.
        if (!now.has(trouble.origin)) now.set(trouble.origin, trouble);
      }
      for (const [kind, message] of strange) now.set(resourceName(kind), unreadable(kind, message));
      for (const [origin, { code, message }] of now)
        if (before.get(origin)?.code !== code) log.warn(`${code}: ${message}`, { origin });
      for (const origin of before.keys())
        if (!now.has(origin)) log.info("the cluster is followed again", { origin });
      before = now;
      return [...now.values()];
    },
  };
}

function away(server: string, reason: string): Trouble {
  return {
    code: "HDL7232",
    level: "Warning",
    origin: `API server ${server}`,
    message: `the API server ${server} cannot be reached (${reason}); what it said last is in force`,
    remedy: "Check that it runs, and that the agent's machine reaches it; the agent tries on.",
  };
}

const asBefore = (listed: boolean) =>
  listed ? "what was read before is in force" : "none of them is in effect";

function forbidden(kind: WatchedKind, reason: string, listed: boolean): Trouble {
  const origin = resourceName(kind);
  return {
    code: "HDL7231",
    level: "Error",
    origin,
    message: `the agent may not read ${origin}: ${reason}; ${asBefore(listed)}`,
    remedy: `Let the agent's account list and watch ${origin}, as infra/kubernetes/agent-rbac.yaml has it.`,
  };
}

function refused(kind: WatchedKind, reason: string, listed: boolean): Trouble {
  const origin = resourceName(kind);
  return {
    code: "HDL7234",
    level: "Error",
    origin,
    message: `the API server does not give ${origin}: ${reason}; ${asBefore(listed)}`,
    remedy: "The reason is the API server's own; its log has more. The agent tries on.",
  };
}

function unreadable(kind: WatchedKind, message: string): Trouble {
  return {
    code: "HDL7235",
    level: "Error",
    origin: resourceName(kind),
    message: `${message}; none of them is in effect`,
    remedy: "Install the custom resource definitions of a version that the message names.",
  };
}
