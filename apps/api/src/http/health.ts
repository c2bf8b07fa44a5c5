/** Is the process up (`/healthz`), can it serve (`/readyz`), and the pages that explain problem codes. */
import { sql } from "@heddle/db";
import type { AppDeps } from "../deps.ts";
import { pkiProblemKinds } from "../pki/problems.ts";
import { syncProblemKinds } from "../sync/problems.ts";
import { problemKinds } from "./codes.ts";
import { problem } from "./problem.ts";
import { createRouter } from "./router.ts";

/** Codes of all domains that have tables of their own. */
const pages = { ...problemKinds, ...syncProblemKinds, ...pkiProblemKinds };

export function healthRoutes(deps: AppDeps) {
  const app = createRouter();
  app.get("/healthz", (c) => c.json({ status: "ok", version: deps.config.version }));
  app.get("/readyz", async (c) => {
    const started = deps.clock();
    await deps.db.asPlane((tx) => tx.execute(sql`select 1`));
    return c.json({
      status: "ok",
      version: deps.config.version,
      database: { kind: deps.db.kind, answerMs: deps.clock() - started },
    });
  });
  app.get("/docs/errors/:code", (c) => {
    const code = c.req.param("code");
    const found = Object.entries(pages).find(([known]) => known === code);
    if (!found) throw problem("HDL1001", `There is no page for ${code}.`);
    const [, kind] = found;
    return c.text(`${code}: ${kind.title} (HTTP ${kind.status})\n\n${kind.remedy}\n`);
  });
  return app;
}
