/** Agents, their proxies, how they join, and what they are signed with. */
import type { WorkloadAccessQuestion } from "@heddle/model";
import { readEvents, type StreamEvent } from "../event-stream.ts";
import { allOf, type PageOptions } from "../paging.ts";
import type { Transport } from "../transport.ts";
import type {
  AccessAnswers,
  AgentInfo,
  CreatedJoinToken,
  Enrollment,
  EnrollRequest,
  IssuedCertificates,
  Page,
  ProxyInfo,
} from "../types.ts";
import { inMesh } from "./paths.ts";

export function fleetCalls({ json, send }: Transport) {
  const agents = (mesh: string, page: PageOptions = {}, signal?: AbortSignal) =>
    json<Page<AgentInfo>>("GET", inMesh(mesh, "/agents"), { query: { ...page }, signal });
  return {
    agents,
    /** Every agent of the mesh. */
    allAgents: (mesh: string) => allOf((cursor) => agents(mesh, { cursor, limit: 200 })),
    proxies: (mesh: string, page: PageOptions = {}, signal?: AbortSignal) =>
      json<Page<ProxyInfo>>("GET", inMesh(mesh, "/proxies"), { query: { ...page }, signal }),
    /** Whether a workload's proxy would take a request, and what decides, as connected agents say. */
    explain: (mesh: string, question: WorkloadAccessQuestion, signal?: AbortSignal) =>
      json<AccessAnswers>("POST", inMesh(mesh, "/explain"), { body: question, signal }),
    /** A one-time token with which an agent enrolls. */
    createJoinToken: (
      mesh: string,
      options: { name: string; expiresInSeconds?: number; namespaces?: readonly string[] },
    ) => json<CreatedJoinToken>("POST", inMesh(mesh, "/join-tokens"), { body: options }),
    /** Needs no bearer token: the join token is the proof. */
    enroll: (request: EnrollRequest) =>
      json<Enrollment>("POST", "/v1/agents/enroll", { body: request }),
    issueCertificates: (mesh: string, csrs: readonly string[], signal?: AbortSignal) =>
      json<IssuedCertificates>("POST", inMesh(mesh, "/certificates"), { body: { csrs }, signal }),
    signingKey: (mesh: string, signal?: AbortSignal) =>
      json<unknown>("GET", inMesh(mesh, "/signing-key"), { signal }),
    /** The exact bytes of a bundle, as text. */
    bundle: async (hash: string, signal?: AbortSignal): Promise<string> =>
      (await send("GET", `/v1/sync/bundles/${encodeURIComponent(hash)}`, { signal })).text(),
    /** Revisions, convergence and agents as they change, until the signal or a break ends it. */
    events: (mesh: string, signal?: AbortSignal): AsyncGenerator<StreamEvent> =>
      streamOf(
        send("GET", inMesh(mesh, "/events"), { headers: { accept: "text/event-stream" }, signal }),
      ),
    /** Log lines as they arrive. */
    logStream: (
      mesh: string,
      filter: Record<string, string | number | boolean | undefined> = {},
      signal?: AbortSignal,
    ): AsyncGenerator<StreamEvent> =>
      streamOf(
        send("GET", inMesh(mesh, "/logs/stream"), {
          query: filter,
          headers: { accept: "text/event-stream" },
          signal,
        }),
      ),
  };
}

async function* streamOf(
  response: Promise<Response>,
): AsyncGenerator<StreamEvent, void, undefined> {
  const { body } = await response;
  if (body) yield* readEvents(body);
}
