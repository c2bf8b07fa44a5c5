/** Asks the API server itself whether a token is good now: unlike its signature, that ends with the pod or account it is bound to. */
import { z } from "zod";

const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";

const answerSchema = z.object({
  status: z
    .object({
      authenticated: z.boolean().default(false),
      audiences: z.array(z.string()).default([]),
      error: z.string().default(""),
    })
    .prefault({}),
});

export interface Reviewed {
  readonly good: boolean;
  /** The API server's own words where it is not. */
  readonly reason: string;
}

/** Rejects where the API server does not answer, or does not let the agent ask. */
export type TokenReview = (token: string) => Promise<Reviewed>;

export function createTokenReview(
  post: (path: string, body: object) => Promise<unknown>,
  audience: string,
): TokenReview {
  return async (token) => {
    const answer = await post(PATH, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: [audience] },
    });
    const { authenticated, audiences, error } = answerSchema.parse(answer).status;
    // A server that knows no audiences answers without one, and has not checked it.
    return { good: authenticated && audiences.includes(audience), reason: error };
  };
}
