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
import type { Caller, Callers } from "./callers.ts";

/** Of calls that are going on, by the metadata that came with them. */
const callers = new WeakMap<Metadata, Caller>();

/** Who calls; undefined on the plaintext port, where nobody proves anything. */
export function callerOf({ metadata }: { readonly metadata: Metadata }): Caller | undefined {
  return callers.get(metadata);
}

/** The credentials of a port at which every call carries a token, `authorization: Bearer …`. */
export function authenticated(
  credentials: ServerCredentials,
  who: Callers,
  log: AgentLog,
): ServerCredentials {
  return experimental.createServerCredentialsWithInterceptors(credentials, [interceptor(who, log)]);
}

function interceptor(who: Callers, log: AgentLog): ServerInterceptor {
  return ({ path }, call) => {
    let isOver = false;
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, go) {
            who.prove(tokenOf(metadata)).then(
              (caller) => {
                if (isOver) return;
                callers.set(metadata, caller);
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
