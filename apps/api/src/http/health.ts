/** Is the process up (`/healthz`), can it serve (`/readyz`), and the pages that explain problem codes. */
import { sql } from "@heddle/db";
import type { AppDeps } from "../deps.ts";
import { envelopeState } from "../kms/envelope-of.ts";
import { problemPage } from "./code-pages.ts";
import { problem } from "./problem.ts";
import { createRouter } from "./router.ts";

export function healthRoutes(deps: AppDeps) {
  const app = createRouter();
  const envelope = envelopeState(deps);
  app.get("/healthz", (c) => c.json({ status: "ok", version: deps.config.version }));
  app.get("/readyz", async (c) => {
    const started = deps.clock();
    await deps.db.asPlane((tx) => tx.execute(sql`select 1`));
    return c.json({
      status: "ok",
      version: deps.config.version,
      database: { kind: deps.db.kind, answerMs: deps.clock() - started },
      // What needs no key goes on without it: a plane that cannot seal is still ready.
      envelope: await envelope(),
    });
  });
  app.get("/docs/errors/:code", (c) => {
    const code = c.req.param("code");
    const page = problemPage(code);
    if (page === undefined) throw problem("HDL1001", `There is no page for ${code}.`);
    return c.text(page, 200, { "content-type": "text/markdown; charset=utf-8" });
  });
  return app;
}
