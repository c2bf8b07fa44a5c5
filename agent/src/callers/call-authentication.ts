/** No call on the TLS port reaches a service before its caller has proven who it is. */
import {
  experimental,
  type Metadata,
  type ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
} from "@grpc/grpc-js";
import type { AgentLog } from "../log.ts";
import { CallerRefused } from "./caller-refused.ts";
import type { Caller } from "./callers.ts";

export interface Authentication<Who> {
  /** The credentials of a port at which every call carries a token, `authorization: Bearer …`. */
  authenticated(
    credentials: ServerCredentials,
    who: { prove(token: string | undefined): Promise<Who> },
    log: Pick<AgentLog, "warn">,
  ): ServerCredentials;
  /** Who calls; undefined on a plaintext port, where nobody proves anything. */
  callerOf(call: { readonly metadata: Metadata }): Who | undefined;
}

export function createAuthentication<Who>(): Authentication<Who> {
  /** Of calls that are going on, by the metadata that came with them. */
  const callers = new WeakMap<Metadata, { readonly who: Who }>();
  return {
    authenticated: (credentials, { prove }, log) =>
      experimental.createServerCredentialsWithInterceptors(credentials, [
        interceptor(prove, (metadata, who) => void callers.set(metadata, { who }), log),
      ]),
    callerOf: ({ metadata }) => callers.get(metadata)?.who,
  };
}

/** Of the agent's own services, at whichever port they are called. */
export const { authenticated, callerOf } = createAuthentication<Caller>();

function interceptor<Who>(
  prove: (token: string | undefined) => Promise<Who>,
  proven: (metadata: Metadata, who: Who) => void,
  log: Pick<AgentLog, "warn">,
): ServerInterceptor {
  return ({ path }, call) => {
    let isOver = false;
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, go) {
            prove(tokenOf(metadata)).then(
              (who) => {
                if (isOver) return;
                proven(metadata, who);
                go(metadata);
              },
              (error: unknown) => {
                const refused =
                  error instanceof CallerRefused
                    ? error
                    : new CallerRefused("HDL7254", "The token cannot be checked now.", error);
                const { code, details } = refused.status;
                log.warn("a caller is refused", { path, peer: call.getPeer(), error: details });
                if (!isOver) call.sendStatus({ code, details });
              },
            );
          },
          onCancel() {
            isOver = true;
          },
        }),
    });
  };
}

function tokenOf(metadata: Metadata): string | undefined {
  const [value] = metadata.get("authorization");
  return /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(String(value ?? ""))?.[1];
}
