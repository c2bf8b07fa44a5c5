-- Roles: transactions take one of these two with SET LOCAL ROLE; neither can log in. Roles belong to the whole server, so
-- another database of it may have made them, even at this moment.
DO $$ BEGIN CREATE ROLE heddle_tenant NOLOGIN NOBYPASSRLS; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;--> statement-breakpoint
DO $$ BEGIN CREATE ROLE heddle_plane NOLOGIN NOBYPASSRLS; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;--> statement-breakpoint
DO $$ DECLARE needed text; BEGIN
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN RETURN; END IF;
  FOREACH needed IN ARRAY ARRAY['heddle_tenant', 'heddle_plane'] LOOP
    IF pg_has_role(current_user, needed, CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END) THEN CONTINUE; END IF;
    BEGIN
      EXECUTE format('GRANT %I TO %I', needed, current_user);
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE insufficient_privilege USING MESSAGE = format('%I may not take role %I, which another user of this server made: as an administrator, GRANT heddle_tenant, heddle_plane TO %I', current_user, needed, current_user);
    END;
  END LOOP;
END $$;--> statement-breakpoint
CREATE TABLE "acknowledgements" (
	"mesh_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"agent_id" uuid NOT NULL,
	"proxies" integer NOT NULL,
	"acknowledged" integer NOT NULL,
	"laggards" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"rejections" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	"completed_at" timestamp with time zone,
	CONSTRAINT "acknowledgements_mesh_id_number_agent_id_pk" PRIMARY KEY("mesh_id","number","agent_id")
);
--> statement-breakpoint
ALTER TABLE "acknowledgements" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "agents" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"mesh_id" uuid NOT NULL,
	"name" text NOT NULL,
	"public_key" text,
	"version" text DEFAULT '' NOT NULL,
	"features" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"connected" boolean DEFAULT false NOT NULL,
	"connected_at" timestamp with time zone,
	"last_seen_at" timestamp with time zone,
	"acknowledged" integer DEFAULT 0 NOT NULL,
	"summary" jsonb,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "agents_mesh_name" UNIQUE("mesh_id","name")
);
--> statement-breakpoint
ALTER TABLE "agents" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "certificate_authorities" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"mesh_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"certificate" text NOT NULL,
	"wrapped_key" text NOT NULL,
	"not_before" timestamp with time zone NOT NULL,
	"not_after" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"retired_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "certificate_authorities" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "join_tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"mesh_id" uuid NOT NULL,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone,
	"used_by" uuid,
	"revoked_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "join_tokens" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "signing_keys" (
	"id" text NOT NULL,
	"tenant_id" uuid NOT NULL,
	"mesh_id" uuid NOT NULL,
	"public_key" text NOT NULL,
	"wrapped_key" text NOT NULL,
	"endorsement" text DEFAULT '' NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"retired_at" timestamp with time zone,
	CONSTRAINT "signing_keys_mesh_id_id_pk" PRIMARY KEY("mesh_id","id")
);
--> statement-breakpoint
ALTER TABLE "signing_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "bundles" (
	"mesh_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"hash" text NOT NULL,
	"kind" text NOT NULL,
	"number" integer NOT NULL,
	"content" text NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "bundles_mesh_id_hash_pk" PRIMARY KEY("mesh_id","hash")
);
--> statement-breakpoint
ALTER TABLE "bundles" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "objects" (
	"mesh_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"key" text NOT NULL,
	"group" text NOT NULL,
	"kind" text NOT NULL,
	"namespace" text NOT NULL,
	"name" text NOT NULL,
	"document" jsonb NOT NULL,
	"hash" text NOT NULL,
	"owner" text NOT NULL,
	"revision" integer NOT NULL,
	CONSTRAINT "objects_mesh_id_key_pk" PRIMARY KEY("mesh_id","key")
);
--> statement-breakpoint
ALTER TABLE "objects" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "revision_changes" (
	"mesh_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"key" text NOT NULL,
	"action" text NOT NULL,
	"before" jsonb,
	"after" jsonb,
	"before_hash" text,
	"after_hash" text,
	"owner" text NOT NULL,
	CONSTRAINT "revision_changes_mesh_id_number_key_pk" PRIMARY KEY("mesh_id","number","key")
);
--> statement-breakpoint
ALTER TABLE "revision_changes" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "revisions" (
	"mesh_id" uuid NOT NULL,
	"tenant_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"parent" integer NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	"author" text NOT NULL,
	"message" text NOT NULL,
	"state_root" text NOT NULL,
	"parent_hash" text NOT NULL,
	"hash" text NOT NULL,
	"signature" text NOT NULL,
	"key_id" text NOT NULL,
	"rollback_of" integer,
	"converged_at" timestamp with time zone,
	CONSTRAINT "revisions_mesh_id_number_pk" PRIMARY KEY("mesh_id","number")
);
--> statement-breakpoint
ALTER TABLE "revisions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"tenant_id" uuid NOT NULL,
	"id" text NOT NULL,
	"request_hash" text NOT NULL,
	"status" integer NOT NULL,
	"response" jsonb NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "idempotency_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "meshes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"name" text NOT NULL,
	"trust_domain" text NOT NULL,
	"settings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"revision" integer DEFAULT 0 NOT NULL,
	"state_root" text NOT NULL,
	"head_hash" text DEFAULT '' NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "meshes_tenant_name" UNIQUE("tenant_id","name"),
	CONSTRAINT "meshes_id_tenant" UNIQUE("id","tenant_id")
);
--> statement-breakpoint
ALTER TABLE "meshes" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "tenants" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp with time zone NOT NULL,
	CONSTRAINT "tenants_name_unique" UNIQUE("name")
);
--> statement-breakpoint
ALTER TABLE "tenants" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" uuid PRIMARY KEY NOT NULL,
	"tenant_id" uuid NOT NULL,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"scopes" text[] NOT NULL,
	"mesh_id" uuid,
	"agent_id" uuid,
	"created_at" timestamp with time zone NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	"last_used_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "tokens" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "acknowledgements" ADD CONSTRAINT "acknowledgements_agent_id_agents_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."agents"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "acknowledgements" ADD CONSTRAINT "acknowledgements_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agents" ADD CONSTRAINT "agents_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "certificate_authorities" ADD CONSTRAINT "certificate_authorities_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "join_tokens" ADD CONSTRAINT "join_tokens_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "signing_keys" ADD CONSTRAINT "signing_keys_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "bundles" ADD CONSTRAINT "bundles_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "objects" ADD CONSTRAINT "objects_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "revision_changes" ADD CONSTRAINT "revision_changes_revision" FOREIGN KEY ("mesh_id","number") REFERENCES "public"."revisions"("mesh_id","number") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "revisions" ADD CONSTRAINT "revisions_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "meshes" ADD CONSTRAINT "meshes_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_mesh" FOREIGN KEY ("mesh_id","tenant_id") REFERENCES "public"."meshes"("id","tenant_id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "certificate_authorities_mesh" ON "certificate_authorities" USING btree ("mesh_id","kind","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "join_tokens_hash" ON "join_tokens" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "bundles_number" ON "bundles" USING btree ("mesh_id","number","kind");--> statement-breakpoint
CREATE INDEX "objects_kind" ON "objects" USING btree ("mesh_id","kind","namespace");--> statement-breakpoint
CREATE INDEX "revision_changes_key" ON "revision_changes" USING btree ("mesh_id","key","number");--> statement-breakpoint
CREATE INDEX "idempotency_keys_age" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "tokens_hash" ON "tokens" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "tokens_tenant" ON "tokens" USING btree ("tenant_id","created_at");--> statement-breakpoint
CREATE POLICY "acknowledgements_tenant" ON "acknowledgements" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "agents_tenant" ON "agents" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "certificate_authorities_tenant" ON "certificate_authorities" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "join_tokens_tenant" ON "join_tokens" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "join_tokens_plane" ON "join_tokens" AS PERMISSIVE FOR ALL TO "heddle_plane" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "signing_keys_tenant" ON "signing_keys" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "bundles_tenant" ON "bundles" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "objects_tenant" ON "objects" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "revision_changes_tenant" ON "revision_changes" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "revisions_tenant" ON "revisions" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "idempotency_keys_tenant" ON "idempotency_keys" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "meshes_tenant" ON "meshes" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "meshes_plane" ON "meshes" AS PERMISSIVE FOR ALL TO "heddle_plane" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "tenants_tenant" ON "tenants" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "tenants_plane" ON "tenants" AS PERMISSIVE FOR ALL TO "heddle_plane" USING (true) WITH CHECK (true);--> statement-breakpoint
CREATE POLICY "tokens_tenant" ON "tokens" AS PERMISSIVE FOR ALL TO "heddle_tenant" USING ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid) WITH CHECK ("tenant_id" = nullif(current_setting('heddle.tenant', true), '')::uuid);--> statement-breakpoint
CREATE POLICY "tokens_plane" ON "tokens" AS PERMISSIVE FOR ALL TO "heddle_plane" USING (true) WITH CHECK (true);--> statement-breakpoint
-- By hand, since drizzle-kit emits neither: policies hold for the owner of the tables too, and each role has only the rights it needs.
ALTER TABLE "acknowledgements" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "agents" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "certificate_authorities" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "join_tokens" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "signing_keys" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "bundles" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "objects" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "revision_changes" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "revisions" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "idempotency_keys" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "meshes" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "tenants" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "tokens" FORCE ROW LEVEL SECURITY;--> statement-breakpoint
DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO heddle_tenant, heddle_plane', current_schema()); END $$;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON "acknowledgements", "agents", "certificate_authorities", "join_tokens", "signing_keys", "bundles", "objects", "revision_changes", "revisions", "idempotency_keys", "meshes", "tokens" TO heddle_tenant;--> statement-breakpoint
GRANT SELECT ON "tenants" TO heddle_tenant;--> statement-breakpoint
GRANT SELECT, INSERT ON "tenants", "meshes" TO heddle_plane;--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON "tokens", "join_tokens" TO heddle_plane;
