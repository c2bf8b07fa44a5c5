CREATE TABLE "authority_requests" (
	"mesh_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"request" text NOT NULL,
	"wrapped_key" text NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "authority_requests_mesh_id_pk" PRIMARY KEY("mesh_id")
);
--> statement-breakpoint
ALTER TABLE "authority_requests" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "revocations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"mesh_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"effective_at" timestamp with time zone,
	"lifted_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "revocations" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "root_rotations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"mesh_id" uuid NOT NULL,
	"from_id" uuid NOT NULL,
	"to_id" uuid NOT NULL,
	"step" text NOT NULL,
	"automatic" boolean NOT NULL,
	"backwards" boolean DEFAULT false NOT NULL,
	"urgent" boolean DEFAULT false NOT NULL,
	"forced" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"stepped_at" timestamp with time zone NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "root_rotations" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "agents" ADD COLUMN "namespaces" text[];--> statement-breakpoint
ALTER TABLE "certificate_authorities" ADD COLUMN "root" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "certificate_authorities" ADD COLUMN "activated_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "join_tokens" ADD COLUMN "namespaces" text[];--> statement-breakpoint
ALTER TABLE "authority_requests" ADD CONSTRAINT "authority_requests_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "revocations" ADD CONSTRAINT "revocations_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "root_rotations" ADD CONSTRAINT "root_rotations_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "revocations_mesh" ON "revocations" USING btree ("mesh_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "root_rotations_open" ON "root_rotations" USING btree ("mesh_id") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "root_rotations_mesh" ON "root_rotations" USING btree ("mesh_id","started_at");--> statement-breakpoint
CREATE POLICY "authority_requests_tenant" ON "authority_requests" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "revocations_tenant" ON "revocations" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "root_rotations_tenant" ON "root_rotations" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
-- By hand, as in the first migration; and what was in force before there was a word for it is in force. The owner, whom policies hold too, does that between.
ALTER TABLE "certificate_authorities" NO FORCE ROW LEVEL SECURITY;--> statement-breakpoint
UPDATE "certificate_authorities" SET "activated_at" = "created_at";--> statement-breakpoint
ALTER TABLE "certificate_authorities" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "authority_requests" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "root_rotations" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "revocations" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "authority_requests", "root_rotations", "revocations" TO heddle_tenant;
