/** Opens the client of the plane that a command's options or the saved context name. */
import type { HeddleClient } from "@heddle/client";
import type { Context, ContextFlags, PlaneContext } from "../context/context.ts";

export interface OpenPlane<T extends PlaneContext = Context> {
  readonly client: HeddleClient;
  readonly context: T;
}

/** For what is about one mesh. HDL9025 where none is chosen. */
export async function openPlane(flags: ContextFlags): Promise<OpenPlane> {
  const { loadContext } = await import("../context/context.ts");
  return open(await loadContext(flags));
}

/** For what is about the plane as a whole. */
export async function openPlaneAlone(flags: ContextFlags): Promise<OpenPlane<PlaneContext>> {
  const { loadPlane } = await import("../context/context.ts");
  return open(await loadPlane(flags));
}

async function open<T extends PlaneContext>(context: T): Promise<OpenPlane<T>> {
  const { createClient } = await import("@heddle/client");
  return { client: createClient({ baseUrl: context.url, token: context.token }), context };
}
