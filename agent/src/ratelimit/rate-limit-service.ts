/** Envoy's rate limit service: counts for all proxies of the mesh, each key at one of its agents. */
import {
  Client,
  credentials,
  Metadata,
  type sendUnaryData,
  type ServiceError,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { unary } from "../grpc-bytes.ts";
import { type Counted, readAsk, readForwarded, writeAnswer, writeForwarded } from "./messages.ts";
import { ownerOf } from "./owner.ts";
import { createWindows, type Verdict } from "./windows.ts";

/** How long an agent waits for another one, in milliseconds; less than proxies wait for it. */
const FORWARD_MS = 150;
/** How long an agent that is away is left out, in milliseconds; its keys are others' meanwhile. */
const AWAY_MS = 1_000;
/**
 * An agent that no connection reaches is away; one that is only late is when it has said nothing for so long, in milliseconds.
 * Sooner, a moment in which either of the two is busy would have both count the key for a whole `AWAY_MS`.
 */
const SILENT_MS = 1_000;
/**
 * How often a connection to an agent that is away is tried again, in milliseconds. gRPC's own two minutes would have two agents
 * count the same key long after both are there.
 */
const RECONNECT = {
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 500,
};
/** Sent along by an agent that asks on: whoever gets it counts by itself. */
const FORWARDED = "heddle-forwarded";

export interface RateLimitAgents {
  /** `host:port` of the xDS ports of all agents that count together, this one's included; equal at each of them. */
  readonly all: readonly string[];
  readonly self: string;
}

export interface RateLimitOptions {
  /** Undefined: this agent counts alone. */
  readonly agents: RateLimitAgents | undefined;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Told once for each time that another agent is found to be away. */
  readonly onAway: (agent: string, reason: string) => void;
}

export interface RateLimitNumbers {
  readonly keys: number;
  readonly allowed: number;
  readonly refused: number;
  /** Counted here although they are another agent's, since that one did not answer. */
  readonly stoodIn: number;
}

export interface RateLimitService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  numbers(): RateLimitNumbers;
  close(): void;
}

export function createRateLimitService(options: RateLimitOptions): RateLimitService {
  const { agents, now, onAway } = options;
  const windows = createWindows();
  const clients = new Map<string, Client>();
  const awayUntil = new Map<string, number>();
  /** When each agent that owes an answer first owed one. */
  const silentSince = new Map<string, number>();
  const numbers = { allowed: 0, refused: 0, stoodIn: 0 };

  function countHere({ key, quota }: Counted, hits: number): Verdict {
    const verdict = windows.take(key, quota, hits, now());
    if (verdict.allowed) numbers.allowed++;
    else numbers.refused++;
    return verdict;
  }

  /** Undefined for this agent itself. */
  function otherOwner(key: string): string | undefined {
    if (agents === undefined) return undefined;
    const time = now();
    const present = agents.all.filter((agent) => (awayUntil.get(agent) ?? 0) <= time);
    const owner = ownerOf(key, present);
    return owner === agents.self ? undefined : owner;
  }

  async function count(each: Counted | undefined, hits: number): Promise<Verdict | undefined> {
    if (each === undefined) return undefined;
    const owner = otherOwner(each.key);
    if (owner === undefined) return countHere(each, hits);
    try {
      const verdict = await askOn(owner, each, hits);
      silentSince.delete(owner);
      // So that who counts in its stead begins where it ended. Nothing is refused in the shadow, nor told of its count.
      if (!each.shadow) windows.continueFrom(each.key, each.quota, verdict, now());
      return verdict;
    } catch (error) {
      noteUnanswered(owner, error);
      numbers.stoodIn++;
      return countHere(each, hits);
    }
  }

  function noteUnanswered(agent: string, error: unknown): void {
    const time = now();
    const since = silentSince.get(agent) ?? time - FORWARD_MS;
    silentSince.set(agent, since);
    const late = (error as Partial<ServiceError>).code === status.DEADLINE_EXCEEDED;
    if (late && time - since < SILENT_MS) return;
    if ((awayUntil.get(agent) ?? 0) <= time) onAway(agent, String(error));
    awayUntil.set(agent, time + AWAY_MS);
  }

  function askOn(owner: string, each: Counted, hits: number): Promise<Verdict> {
    let client = clients.get(owner);
    if (client === undefined) {
      client = new Client(owner, credentials.createInsecure(), RECONNECT);
      clients.set(owner, client);
    }
    const asked = client;
    const metadata = new Metadata();
    metadata.set(FORWARDED, "1");
    const answered = new Promise<Buffer>((resolve, reject) => {
      asked.makeUnaryRequest(
        METHOD.path,
        METHOD.requestSerialize,
        METHOD.responseDeserialize,
        Buffer.from(writeForwarded(each, hits)),
        metadata,
        { deadline: Date.now() + FORWARD_MS },
        (error, bytes) => {
          if (error || bytes === undefined) reject(error ?? new Error("no answer"));
          else resolve(bytes);
        },
      );
    });
    return answered.then(readForwarded);
  }

  async function answer(
    call: ServerUnaryCall<Buffer, Buffer>,
    reply: sendUnaryData<Buffer>,
  ): Promise<void> {
    try {
      const { counted, hits } = readAsk(call.request);
      const forwarded = call.metadata.get(FORWARDED).length > 0;
      const verdicts = forwarded
        ? counted.map((each) => each && countHere(each, hits))
        : await Promise.all(counted.map((each) => count(each, hits)));
      reply(null, Buffer.from(writeAnswer(counted, verdicts)));
    } catch (error) {
      reply(error instanceof Error ? error : new Error(String(error)));
    }
  }

  return {
    definition: { ShouldRateLimit: METHOD },
    implementation: {
      ShouldRateLimit: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
        void answer(call, reply),
    },
    numbers: () => ({ keys: windows.size, ...numbers }),
    close() {
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

const METHOD = unary("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit");
