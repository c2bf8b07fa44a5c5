/** Who answers how many of a number of requests. */
import { Agent } from "node:http";
import type { Asking } from "./request.ts";
import type { TestMesh } from "./mesh.ts";

export interface SharesOptions extends Asking {
  readonly count?: number;
  /** Requests under way at once, each over a connection that is kept. */
  readonly concurrency?: number;
  readonly path?: string;
}

export interface Shares {
  /** Part of all requests, 0 to 1, by the application's name; 0 for those that answered none. */
  of(name: string): number;
  /** Who answered, in the order of the answers; the status where nobody did. */
  readonly sequence: readonly string[];
}

export async function sharesOf<Name extends string>(
  mesh: Pick<TestMesh<Name>, "get">,
  from: Name,
  authority: string,
  { count = 10_000, concurrency = 16, path = "/", ...asking }: SharesOptions = {},
): Promise<Shares> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const sequence: string[] = [];
  let left = count;
  const worker = async () => {
    while (left-- > 0) {
      const { status, headers } = await mesh.get(from, authority, path, { ...asking, agent });
      sequence.push(headers["x-application"] ?? String(status));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  agent.destroy();
  return {
    sequence,
    of: (name) => sequence.filter((each) => each === name).length / sequence.length,
  };
}
