CREATE TABLE "bundle_sequences" (
	"mesh_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"sequence" integer NOT NULL,
	"digest" text NOT NULL,
	"changed_at" timestamp with time zone NOT NULL,
	CONSTRAINT "bundle_sequences_mesh_id_pk" PRIMARY KEY("mesh_id")
);
--> statement-breakpoint
ALTER TABLE "bundle_sequences" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "federations" (
	"mesh_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"trust_domain" text NOT NULL,
	"source" jsonb NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "federations_mesh_id_trust_domain_pk" PRIMARY KEY("mesh_id","trust_domain")
);
--> statement-breakpoint
ALTER TABLE "federations" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "bundle_sequences" ADD CONSTRAINT "bundle_sequences_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "federations" ADD CONSTRAINT "federations_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE POLICY "bundle_sequences_tenant" ON "bundle_sequences" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "federations_tenant" ON "federations" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
-- By hand, as in the first migration.
ALTER TABLE "bundle_sequences" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "federations" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "bundle_sequences", "federations" TO heddle_tenant;
