/** Opens the client of the plane that a command's options or the saved context name. */
import type { HeddleClient } from "@heddle/client";
import type { Context, ContextFlags } from "../context/context.ts";

export interface OpenPlane {
  readonly client: HeddleClient;
  readonly context: Context;
}

export async function openPlane(flags: ContextFlags): Promise<OpenPlane> {
  const [{ createClient }, { loadContext }] = await Promise.all([
    import("@heddle/client"),
    import("../context/context.ts"),
  ]);
  const context = await loadContext(flags);
  return { client: createClient({ baseUrl: context.url, token: context.token }), context };
}
