/** Who asks, and which mesh is meant: sets `c.var.actor` and `c.var.mesh`, or refuses. */
import type { Context, MiddlewareHandler } from "hono";
import type { Scope } from "@heddle/db";
import type { AppDeps } from "../deps.ts";
import { findMesh } from "../tenancy/mesh-store.ts";
import { authenticate } from "../tenancy/authenticate.ts";
import { problem } from "./problem.ts";
import type { Env } from "./router.ts";

/** Paths that need no token. Enrollment brings a join token in its body and checks it itself; roots are nobody's secret. */
const PUBLIC = new Set(["/v1/openapi.json", "/v1/agents/enroll"]);

const isPublic = (path: string) => PUBLIC.has(path) || /^\/v1\/bundles\/[^/]*$/.test(path);

/** Resolves the bearer token. WebSocket clients in a browser, which cannot set headers, may send it as `access_token` where the path is `/v1/sync` or an event stream. */
export function authentication(deps: AppDeps): MiddlewareHandler<Env> {
  return async (c, next) => {
    if (!isPublic(c.req.path)) c.set("actor", await authenticate(deps, bearerToken(c)));
    await next();
  };
}

/** Resolves `{mesh}` in the path, by name or id. Another tenant's mesh does not exist. */
export function meshResolution(deps: AppDeps): MiddlewareHandler<Env> {
  return async (c, next) => {
    const name = c.req.param("mesh");
    if (name !== undefined) c.set("mesh", await meshOf(deps, c, name));
    await next();
  };
}

async function meshOf(deps: AppDeps, c: Context<Env>, name: string) {
  const { actor } = c.var;
  const mesh = await findMesh(deps.db, actor.tenant, name);
  if (!mesh || (actor.meshes && !actor.meshes.includes(mesh.id)))
    throw problem("HDL1020", `There is no mesh ${JSON.stringify(name)}.`);
  return mesh;
}

/** Lets a request pass that has one of the scopes. `admin` may do all that `write` may, `write` all that `read` may. */
export function requireScope(...anyOf: readonly Scope[]): MiddlewareHandler<Env> {
  return async (c, next) => {
    checkScope(c, ...anyOf);
    await next();
  };
}

/** As `requireScope`, inside a handler. */
export function checkScope(c: Context<Env>, ...anyOf: readonly Scope[]): void {
  if (anyOf.some((scope) => holds(c.var.actor.scopes, scope))) return;
  throw problem(
    "HDL1014",
    `${c.req.method} ${c.req.path} needs ${anyOf.map((s) => `\`${s}\``).join(" or ")}; the token ${JSON.stringify(c.var.actor.tokenName)} has ${c.var.actor.scopes.map((s) => `\`${s}\``).join(", ") || "none"}.`,
    {
      headers: {
        "www-authenticate": `Bearer error="insufficient_scope", scope="${anyOf.join(" ")}"`,
      },
    },
  );
}

function holds(scopes: readonly Scope[], wanted: Scope): boolean {
  if (scopes.includes(wanted)) return true;
  if (wanted === "agent") return false;
  return scopes.includes("admin") || (wanted === "read" && scopes.includes("write"));
}

function bearerToken(c: Context<Env>): string {
  const header = c.req.header("authorization");
  const match = header?.match(/^Bearer +([\x21-\x7e]+) *$/i);
  if (match?.[1]) return match[1];
  const query = QUERY_TOKEN.test(c.req.path) ? c.req.query("access_token") : undefined;
  if (query) return query;
  throw problem(
    "HDL1010",
    header
      ? "The Authorization header does not hold a bearer token."
      : `${c.req.method} ${c.req.path} needs a token.`,
    { headers: { "www-authenticate": 'Bearer realm="heddle"' } },
  );
}

/** Where EventSource and WebSocket of a browser connect. */
const QUERY_TOKEN = /^\/v1\/(sync|meshes\/[^/]+\/(events|logs\/stream))$/;
