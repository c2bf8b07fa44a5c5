import { defineConfig } from "drizzle-kit";

/** `pnpm --filter @heddle/db generate` writes the next numbered migration; a person reads it and adds FORCE and grants. */
export default defineConfig({
  dialect: "postgresql",
  schema: "./src/schema/{tenancy,config,agents,authorities,federations}.ts",
  out: "../../migrations",
});
