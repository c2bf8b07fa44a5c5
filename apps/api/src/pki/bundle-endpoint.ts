/**
 * The bundle endpoint of every mesh (SPIFFE Trust Domain and Bundle, section 5.2.1, `https_web`): roots are no secret, and whoever
 * federates with a mesh has no token of it.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { BUNDLE_REFRESH_HINT, type SpiffeBundle, writeBundle } from "@heddle/pki";
import type { AppDeps, MeshRef } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { createRouter, problemResponses } from "../http/router.ts";
import { json } from "../http/schemas.ts";
import { tenantOfMesh } from "./federated-meshes.ts";
import { servedBundle } from "./federation-store.ts";

export const bundlePath = ({ id }: MeshRef) => `/v1/bundles/${id}`;

/** Seconds that caches may answer for: less than the hint, which counts from when a bundle has come. */
const MAX_AGE = 10;
/** An answer is given again for so long, milliseconds: whoever asks without a token costs no more than one look a mesh. */
const REMEMBERED_FOR = 1_000;
/** Looks into the database within `REMEMBERED_FOR` for ids that have been nobody's so far: whoever guesses them takes nothing from those who follow a mesh. */
const MOST_LOOKS = 50;

const getBundle = createRoute({
  ...{ method: "get", path: "/v1/bundles/{id}" },
  summary: "The trust bundle of a mesh as a SPIFFE document; needs no token",
  description:
    "What a SPIRE server or another mesh follows to federate with this one: the roots that workloads trust, both during a rotation. `id` is the mesh's.",
  request: { params: z.object({ id: z.uuid() }) },
  responses: {
    200: json(
      "A JSON Web Key Set",
      z
        .object({
          keys: z.array(
            z.looseObject({
              kty: z.string(),
              use: z.literal("x509-svid"),
              x5c: z.array(z.string()).length(1),
            }),
          ),
          spiffe_sequence: z.int().openapi({ description: "Rises with each change" }),
          spiffe_refresh_hint: z.int().openapi({ description: "Seconds" }),
        })
        .openapi("SpiffeBundle"),
    ),
    ...problemResponses,
  },
});

export function bundleEndpoint(deps: AppDeps) {
  const app = createRouter();
  const look = createLooks(deps);
  app.openapi(getBundle, async (c) => {
    const { id } = c.req.valid("param");
    const bundle = await look(id);
    if (!bundle)
      throw problem("HDL1081", `No mesh ${id} has a root.`, {
        headers: { "cache-control": "no-store" },
      });
    c.header("cache-control", `public, max-age=${MAX_AGE}`);
    c.header("etag", `"${bundle.spiffe_sequence}"`);
    return c.json(bundle as never, 200);
  });
  return app;
}

/** Throws `HDL1082` where more is asked for than anybody needs. */
function createLooks(deps: Pick<AppDeps, "db" | "clock">) {
  let since = -Infinity;
  let strange = 0;
  let looks = new Map<string, Promise<SpiffeBundle | undefined>>();
  /** Those that have had a bundle: as many as there are meshes. */
  const meshes = new Set<string>();
  return (id: string): Promise<SpiffeBundle | undefined> => {
    const now = deps.clock();
    if (now - since >= REMEMBERED_FOR) {
      since = now;
      looks = new Map();
      strange = 0;
    }
    const known = looks.get(id);
    if (known) return known;
    if (!meshes.has(id) && ++strange > MOST_LOOKS)
      throw problem("HDL1082", "Too many trust bundles are asked for at once.", {
        headers: { "retry-after": "1" },
      });
    const found = bundleOfMesh(deps, id);
    looks.set(id, found);
    void found.then(
      (bundle) => bundle && meshes.add(id),
      () => {},
    );
    return found;
  };
}

/** Undefined where there is no such mesh, or it has no root yet. */
async function bundleOfMesh(
  deps: Pick<AppDeps, "db" | "clock">,
  id: string,
): Promise<SpiffeBundle | undefined> {
  const tenant = await tenantOfMesh(deps, id);
  if (tenant === undefined) return undefined;
  const served = await deps.db.withTenant(tenant, (tx) =>
    servedBundle(tx, { tenant, id }, deps.clock()),
  );
  return (
    served &&
    writeBundle(served.roots, { sequence: served.sequence, refreshHint: BUNDLE_REFRESH_HINT })
  );
}
