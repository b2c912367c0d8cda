-- create "organizations" table
CREATE TABLE "organizations" (
	"id" text NOT NULL,
	"name" text NOT NULL,
	"slug" text NOT NULL,
	"plan" text NOT NULL,
	"last_ticket" integer NOT NULL,
	"version" integer NOT NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id")
);

-- create index "organizations_name_key" to table: "organizations"
CREATE UNIQUE INDEX "organizations_name_key" ON "organizations" ("name");

-- create index "organizations_slug_key" to table: "organizations"
CREATE UNIQUE INDEX "organizations_slug_key" ON "organizations" ("slug");

-- create "users" table
CREATE TABLE "users" (
	"id" text NOT NULL,
	"email" text NOT NULL,
	"password" text NOT NULL,
	"name" text NOT NULL,
	"staff" integer NOT NULL,
	"roles" text NOT NULL,
	"organization_id" text NULL,
	"company_id" text NULL,
	"team_id" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "users_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "users_company_id_fkey" FOREIGN KEY ("company_id") REFERENCES "companies" ("id") ON DELETE SET NULL,
	 CONSTRAINT "users_team_id_fkey" FOREIGN KEY ("team_id") REFERENCES "teams" ("id") ON DELETE SET NULL
);

-- create index "users_email_key" to table: "users"
CREATE UNIQUE INDEX "users_email_key" ON "users" (("email" COLLATE NOCASE));

-- create index "users_organization_id_idx" to table: "users"
CREATE INDEX "users_organization_id_idx" ON "users" ("organization_id");

-- create index "users_company_id_idx" to table: "users"
CREATE INDEX "users_company_id_idx" ON "users" ("company_id");

-- create index "users_team_id_idx" to table: "users"
CREATE INDEX "users_team_id_idx" ON "users" ("team_id");

-- create "teams" table
CREATE TABLE "teams" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"name" text NOT NULL,
	"lead_id" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "teams_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "teams_lead_id_fkey" FOREIGN KEY ("lead_id") REFERENCES "users" ("id") ON DELETE SET NULL
);

-- create index "teams_organization_id_idx" to table: "teams"
CREATE INDEX "teams_organization_id_idx" ON "teams" ("organization_id");

-- create index "teams_lead_id_idx" to table: "teams"
CREATE INDEX "teams_lead_id_idx" ON "teams" ("lead_id");

-- create index "teams_organization_id_name_1e570b3a_key" to table: "teams"
CREATE UNIQUE INDEX "teams_organization_id_name_1e570b3a_key" ON "teams" ("organization_id", "name");

-- create "companies" table
CREATE TABLE "companies" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"name" text NOT NULL,
	"domain" text NULL,
	"notes" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "companies_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT
);

-- create index "companies_organization_id_idx" to table: "companies"
CREATE INDEX "companies_organization_id_idx" ON "companies" ("organization_id");

-- create index "companies_organization_id_domain_297daf7a_key" to table: "companies"
CREATE UNIQUE INDEX "companies_organization_id_domain_297daf7a_key" ON "companies" ("organization_id", "domain");

-- create "categories" table
CREATE TABLE "categories" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"name" text NOT NULL,
	"parent_id" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "categories_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "categories_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "categories" ("id") ON DELETE RESTRICT
);

-- create index "categories_organization_id_idx" to table: "categories"
CREATE INDEX "categories_organization_id_idx" ON "categories" ("organization_id");

-- create index "categories_parent_id_idx" to table: "categories"
CREATE INDEX "categories_parent_id_idx" ON "categories" ("parent_id");

-- create index "categories_organization_id_parent_id_name_cffa5af6_key" to table: "categories"
CREATE UNIQUE INDEX "categories_organization_id_parent_id_name_cffa5af6_key" ON "categories" ("organization_id", "parent_id", "name");

-- create "tags" table
CREATE TABLE "tags" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"name" text NOT NULL,
	"color" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "tags_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT
);

-- create index "tags_organization_id_idx" to table: "tags"
CREATE INDEX "tags_organization_id_idx" ON "tags" ("organization_id");

-- create index "tags_organization_id_name_2d41bbeb_key" to table: "tags"
CREATE UNIQUE INDEX "tags_organization_id_name_2d41bbeb_key" ON "tags" ("organization_id", "name");

-- create "sla_policies" table
CREATE TABLE "sla_policies" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"name" text NOT NULL,
	"first_response_minutes" integer NOT NULL,
	"solve_minutes" integer NOT NULL,
	"active" integer NOT NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "sla_policies_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT
);

-- create index "sla_policies_organization_id_idx" to table: "sla_policies"
CREATE INDEX "sla_policies_organization_id_idx" ON "sla_policies" ("organization_id");

-- create index "sla_policies_organization_id_name_d471b263_key" to table: "sla_policies"
CREATE UNIQUE INDEX "sla_policies_organization_id_name_d471b263_key" ON "sla_policies" ("organization_id", "name");

-- create "channels" table
CREATE TABLE "channels" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"address" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "channels_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT
);

-- create index "channels_organization_id_idx" to table: "channels"
CREATE INDEX "channels_organization_id_idx" ON "channels" ("organization_id");

-- create index "channels_organization_id_name_497ae702_key" to table: "channels"
CREATE UNIQUE INDEX "channels_organization_id_name_497ae702_key" ON "channels" ("organization_id", "name");

-- create "webhooks" table
CREATE TABLE "webhooks" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"url" text NOT NULL,
	"signing_key" text NOT NULL,
	"active" integer NOT NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "webhooks_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT
);

-- create index "webhooks_organization_id_idx" to table: "webhooks"
CREATE INDEX "webhooks_organization_id_idx" ON "webhooks" ("organization_id");

-- create "canned_replies" table
CREATE TABLE "canned_replies" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"author_id" text NULL,
	"title" text NOT NULL,
	"body" text NOT NULL,
	"shared" integer NOT NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "canned_replies_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "canned_replies_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "users" ("id") ON DELETE SET NULL
);

-- create index "canned_replies_organization_id_idx" to table: "canned_replies"
CREATE INDEX "canned_replies_organization_id_idx" ON "canned_replies" ("organization_id");

-- create index "canned_replies_author_id_idx" to table: "canned_replies"
CREATE INDEX "canned_replies_author_id_idx" ON "canned_replies" ("author_id");

-- create "tickets" table
CREATE TABLE "tickets" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"number" integer NULL,
	"subject" text NOT NULL,
	"description" text NOT NULL,
	"status" text NOT NULL,
	"priority" text NOT NULL,
	"requester_id" text NULL,
	"assignee_id" text NULL,
	"team_id" text NULL,
	"category_id" text NULL,
	"sla_id" text NULL,
	"channel_id" text NULL,
	"first_response_at" text NULL,
	"closed_at" text NULL,
	"version" integer NOT NULL,
	"deleted_at" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "tickets_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "tickets_requester_id_fkey" FOREIGN KEY ("requester_id") REFERENCES "users" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "tickets_assignee_id_fkey" FOREIGN KEY ("assignee_id") REFERENCES "users" ("id") ON DELETE SET NULL,
	 CONSTRAINT "tickets_team_id_fkey" FOREIGN KEY ("team_id") REFERENCES "teams" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "tickets_category_id_fkey" FOREIGN KEY ("category_id") REFERENCES "categories" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "tickets_sla_id_fkey" FOREIGN KEY ("sla_id") REFERENCES "sla_policies" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "tickets_channel_id_fkey" FOREIGN KEY ("channel_id") REFERENCES "channels" ("id") ON DELETE RESTRICT
);

-- create index "tickets_organization_id_idx" to table: "tickets"
CREATE INDEX "tickets_organization_id_idx" ON "tickets" ("organization_id");

-- create index "tickets_requester_id_idx" to table: "tickets"
CREATE INDEX "tickets_requester_id_idx" ON "tickets" ("requester_id");

-- create index "tickets_assignee_id_idx" to table: "tickets"
CREATE INDEX "tickets_assignee_id_idx" ON "tickets" ("assignee_id");

-- create index "tickets_team_id_idx" to table: "tickets"
CREATE INDEX "tickets_team_id_idx" ON "tickets" ("team_id");

-- create index "tickets_category_id_idx" to table: "tickets"
CREATE INDEX "tickets_category_id_idx" ON "tickets" ("category_id");

-- create index "tickets_sla_id_idx" to table: "tickets"
CREATE INDEX "tickets_sla_id_idx" ON "tickets" ("sla_id");

-- create index "tickets_channel_id_idx" to table: "tickets"
CREATE INDEX "tickets_channel_id_idx" ON "tickets" ("channel_id");

-- create index "tickets_organization_id_number_0a024a4f_key" to table: "tickets"
CREATE UNIQUE INDEX "tickets_organization_id_number_0a024a4f_key" ON "tickets" ("organization_id", "number") WHERE ("deleted_at" IS NULL);

-- create index "tickets_status_created_at_e3f44507_idx" to table: "tickets"
CREATE INDEX "tickets_status_created_at_e3f44507_idx" ON "tickets" ("status", "created_at");

-- create index "tickets_assignee_id_status_3c845c26_idx" to table: "tickets"
CREATE INDEX "tickets_assignee_id_status_3c845c26_idx" ON "tickets" ("assignee_id", "status");

-- create "comments" table
CREATE TABLE "comments" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"ticket_id" text NOT NULL,
	"author_id" text NULL,
	"body" text NOT NULL,
	"internal" integer NOT NULL,
	"deleted_at" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "comments_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "comments_ticket_id_fkey" FOREIGN KEY ("ticket_id") REFERENCES "tickets" ("id") ON DELETE CASCADE,
	 CONSTRAINT "comments_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "users" ("id") ON DELETE SET NULL
);

-- create index "comments_organization_id_idx" to table: "comments"
CREATE INDEX "comments_organization_id_idx" ON "comments" ("organization_id");

-- create index "comments_ticket_id_idx" to table: "comments"
CREATE INDEX "comments_ticket_id_idx" ON "comments" ("ticket_id");

-- create index "comments_author_id_idx" to table: "comments"
CREATE INDEX "comments_author_id_idx" ON "comments" ("author_id");

-- create "attachments" table
CREATE TABLE "attachments" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"ticket_id" text NOT NULL,
	"file_name" text NOT NULL,
	"content_type" text NOT NULL,
	"size" integer NOT NULL,
	"url" text NOT NULL,
	"internal" integer NOT NULL,
	"deleted_at" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "attachments_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "attachments_ticket_id_fkey" FOREIGN KEY ("ticket_id") REFERENCES "tickets" ("id") ON DELETE CASCADE
);

-- create index "attachments_organization_id_idx" to table: "attachments"
CREATE INDEX "attachments_organization_id_idx" ON "attachments" ("organization_id");

-- create index "attachments_ticket_id_idx" to table: "attachments"
CREATE INDEX "attachments_ticket_id_idx" ON "attachments" ("ticket_id");

-- create "time_entries" table
CREATE TABLE "time_entries" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"ticket_id" text NOT NULL,
	"agent_id" text NULL,
	"day" text NOT NULL,
	"minutes" integer NOT NULL,
	"billable" integer NOT NULL,
	"note" text NULL,
	"deleted_at" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "time_entries_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "time_entries_ticket_id_fkey" FOREIGN KEY ("ticket_id") REFERENCES "tickets" ("id") ON DELETE CASCADE,
	 CONSTRAINT "time_entries_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "users" ("id") ON DELETE RESTRICT
);

-- create index "time_entries_organization_id_idx" to table: "time_entries"
CREATE INDEX "time_entries_organization_id_idx" ON "time_entries" ("organization_id");

-- create index "time_entries_ticket_id_idx" to table: "time_entries"
CREATE INDEX "time_entries_ticket_id_idx" ON "time_entries" ("ticket_id");

-- create index "time_entries_agent_id_idx" to table: "time_entries"
CREATE INDEX "time_entries_agent_id_idx" ON "time_entries" ("agent_id");

-- create "ratings" table
CREATE TABLE "ratings" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"ticket_id" text NOT NULL,
	"stars" integer NOT NULL,
	"remark" text NULL,
	"deleted_at" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "ratings_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "ratings_ticket_id_fkey" FOREIGN KEY ("ticket_id") REFERENCES "tickets" ("id") ON DELETE CASCADE
);

-- create index "ratings_organization_id_idx" to table: "ratings"
CREATE INDEX "ratings_organization_id_idx" ON "ratings" ("organization_id");

-- create index "ratings_ticket_id_key" to table: "ratings"
CREATE UNIQUE INDEX "ratings_ticket_id_key" ON "ratings" ("ticket_id") WHERE ("deleted_at" IS NULL);

-- create "articles" table
CREATE TABLE "articles" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"author_id" text NULL,
	"category_id" text NULL,
	"title" text NOT NULL,
	"body" text NOT NULL,
	"status" text NOT NULL,
	"version" integer NOT NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "articles_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "articles_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "users" ("id") ON DELETE SET NULL,
	 CONSTRAINT "articles_category_id_fkey" FOREIGN KEY ("category_id") REFERENCES "categories" ("id") ON DELETE RESTRICT
);

-- create index "articles_organization_id_idx" to table: "articles"
CREATE INDEX "articles_organization_id_idx" ON "articles" ("organization_id");

-- create index "articles_author_id_idx" to table: "articles"
CREATE INDEX "articles_author_id_idx" ON "articles" ("author_id");

-- create index "articles_category_id_idx" to table: "articles"
CREATE INDEX "articles_category_id_idx" ON "articles" ("category_id");

-- create "ticket_tags" table
CREATE TABLE "ticket_tags" (
	"ticket_id" text NOT NULL,
	"tag_id" text NOT NULL,
	 PRIMARY KEY ("ticket_id", "tag_id"),
	 CONSTRAINT "ticket_tags_ticket_id_fkey" FOREIGN KEY ("ticket_id") REFERENCES "tickets" ("id") ON DELETE CASCADE,
	 CONSTRAINT "ticket_tags_tag_id_fkey" FOREIGN KEY ("tag_id") REFERENCES "tags" ("id") ON DELETE CASCADE
);

-- create index "ticket_tags_tag_id_idx" to table: "ticket_tags"
CREATE INDEX "ticket_tags_tag_id_idx" ON "ticket_tags" ("tag_id");

-- search table: "users"
CREATE TABLE "gate_search_rows_users" (n integer PRIMARY KEY, id NOT NULL UNIQUE);

CREATE VIRTUAL TABLE "gate_search_users" USING fts5("s_email", "s_name", content='', contentless_delete=1, tokenize='ascii');

INSERT INTO "gate_search_rows_users" (id) SELECT "id" FROM "users";

INSERT INTO "gate_search_users" (rowid, "s_email", "s_name") SELECT r.n, substr(t."email", 1, 65536), substr(t."name", 1, 65536) FROM "gate_search_rows_users" AS r JOIN "users" AS t ON t."id" = r.id;

CREATE TRIGGER "gate_search_users_insert" AFTER INSERT ON "users" BEGIN INSERT INTO "gate_search_rows_users" (id) VALUES (NEW."id"); INSERT INTO "gate_search_users" (rowid, "s_email", "s_name") VALUES ((SELECT n FROM "gate_search_rows_users" WHERE id = NEW."id"), substr(NEW."email", 1, 65536), substr(NEW."name", 1, 65536)); END;

CREATE TRIGGER "gate_search_users_update" AFTER UPDATE ON "users" WHEN OLD."id" IS NOT NEW."id" OR OLD."email" IS NOT NEW."email" OR OLD."name" IS NOT NEW."name" BEGIN DELETE FROM "gate_search_users" WHERE rowid = (SELECT n FROM "gate_search_rows_users" WHERE id = OLD."id"); UPDATE "gate_search_rows_users" SET id = NEW."id" WHERE id = OLD."id"; INSERT INTO "gate_search_users" (rowid, "s_email", "s_name") VALUES ((SELECT n FROM "gate_search_rows_users" WHERE id = NEW."id"), substr(NEW."email", 1, 65536), substr(NEW."name", 1, 65536)); END;

CREATE TRIGGER "gate_search_users_delete" AFTER DELETE ON "users" BEGIN DELETE FROM "gate_search_users" WHERE rowid = (SELECT n FROM "gate_search_rows_users" WHERE id = OLD."id"); DELETE FROM "gate_search_rows_users" WHERE id = OLD."id"; END;

-- search table: "companies"
CREATE TABLE "gate_search_rows_companies" (n integer PRIMARY KEY, id NOT NULL UNIQUE);

CREATE VIRTUAL TABLE "gate_search_companies" USING fts5("s_name", content='', contentless_delete=1, tokenize='ascii');

INSERT INTO "gate_search_rows_companies" (id) SELECT "id" FROM "companies";

INSERT INTO "gate_search_companies" (rowid, "s_name") SELECT r.n, substr(t."name", 1, 65536) FROM "gate_search_rows_companies" AS r JOIN "companies" AS t ON t."id" = r.id;

CREATE TRIGGER "gate_search_companies_insert" AFTER INSERT ON "companies" BEGIN INSERT INTO "gate_search_rows_companies" (id) VALUES (NEW."id"); INSERT INTO "gate_search_companies" (rowid, "s_name") VALUES ((SELECT n FROM "gate_search_rows_companies" WHERE id = NEW."id"), substr(NEW."name", 1, 65536)); END;

CREATE TRIGGER "gate_search_companies_update" AFTER UPDATE ON "companies" WHEN OLD."id" IS NOT NEW."id" OR OLD."name" IS NOT NEW."name" BEGIN DELETE FROM "gate_search_companies" WHERE rowid = (SELECT n FROM "gate_search_rows_companies" WHERE id = OLD."id"); UPDATE "gate_search_rows_companies" SET id = NEW."id" WHERE id = OLD."id"; INSERT INTO "gate_search_companies" (rowid, "s_name") VALUES ((SELECT n FROM "gate_search_rows_companies" WHERE id = NEW."id"), substr(NEW."name", 1, 65536)); END;

CREATE TRIGGER "gate_search_companies_delete" AFTER DELETE ON "companies" BEGIN DELETE FROM "gate_search_companies" WHERE rowid = (SELECT n FROM "gate_search_rows_companies" WHERE id = OLD."id"); DELETE FROM "gate_search_rows_companies" WHERE id = OLD."id"; END;

-- search table: "tags"
CREATE TABLE "gate_search_rows_tags" (n integer PRIMARY KEY, id NOT NULL UNIQUE);

CREATE VIRTUAL TABLE "gate_search_tags" USING fts5("s_name", content='', contentless_delete=1, tokenize='ascii');

INSERT INTO "gate_search_rows_tags" (id) SELECT "id" FROM "tags";

INSERT INTO "gate_search_tags" (rowid, "s_name") SELECT r.n, substr(t."name", 1, 65536) FROM "gate_search_rows_tags" AS r JOIN "tags" AS t ON t."id" = r.id;

CREATE TRIGGER "gate_search_tags_insert" AFTER INSERT ON "tags" BEGIN INSERT INTO "gate_search_rows_tags" (id) VALUES (NEW."id"); INSERT INTO "gate_search_tags" (rowid, "s_name") VALUES ((SELECT n FROM "gate_search_rows_tags" WHERE id = NEW."id"), substr(NEW."name", 1, 65536)); END;

CREATE TRIGGER "gate_search_tags_update" AFTER UPDATE ON "tags" WHEN OLD."id" IS NOT NEW."id" OR OLD."name" IS NOT NEW."name" BEGIN DELETE FROM "gate_search_tags" WHERE rowid = (SELECT n FROM "gate_search_rows_tags" WHERE id = OLD."id"); UPDATE "gate_search_rows_tags" SET id = NEW."id" WHERE id = OLD."id"; INSERT INTO "gate_search_tags" (rowid, "s_name") VALUES ((SELECT n FROM "gate_search_rows_tags" WHERE id = NEW."id"), substr(NEW."name", 1, 65536)); END;

CREATE TRIGGER "gate_search_tags_delete" AFTER DELETE ON "tags" BEGIN DELETE FROM "gate_search_tags" WHERE rowid = (SELECT n FROM "gate_search_rows_tags" WHERE id = OLD."id"); DELETE FROM "gate_search_rows_tags" WHERE id = OLD."id"; END;

-- search table: "canned_replies"
CREATE TABLE "gate_search_rows_canned_replies" (n integer PRIMARY KEY, id NOT NULL UNIQUE);

CREATE VIRTUAL TABLE "gate_search_canned_replies" USING fts5("s_title", content='', contentless_delete=1, tokenize='ascii');

INSERT INTO "gate_search_rows_canned_replies" (id) SELECT "id" FROM "canned_replies";

INSERT INTO "gate_search_canned_replies" (rowid, "s_title") SELECT r.n, substr(t."title", 1, 65536) FROM "gate_search_rows_canned_replies" AS r JOIN "canned_replies" AS t ON t."id" = r.id;

CREATE TRIGGER "gate_search_canned_replies_insert" AFTER INSERT ON "canned_replies" BEGIN INSERT INTO "gate_search_rows_canned_replies" (id) VALUES (NEW."id"); INSERT INTO "gate_search_canned_replies" (rowid, "s_title") VALUES ((SELECT n FROM "gate_search_rows_canned_replies" WHERE id = NEW."id"), substr(NEW."title", 1, 65536)); END;

CREATE TRIGGER "gate_search_canned_replies_update" AFTER UPDATE ON "canned_replies" WHEN OLD."id" IS NOT NEW."id" OR OLD."title" IS NOT NEW."title" BEGIN DELETE FROM "gate_search_canned_replies" WHERE rowid = (SELECT n FROM "gate_search_rows_canned_replies" WHERE id = OLD."id"); UPDATE "gate_search_rows_canned_replies" SET id = NEW."id" WHERE id = OLD."id"; INSERT INTO "gate_search_canned_replies" (rowid, "s_title") VALUES ((SELECT n FROM "gate_search_rows_canned_replies" WHERE id = NEW."id"), substr(NEW."title", 1, 65536)); END;

CREATE TRIGGER "gate_search_canned_replies_delete" AFTER DELETE ON "canned_replies" BEGIN DELETE FROM "gate_search_canned_replies" WHERE rowid = (SELECT n FROM "gate_search_rows_canned_replies" WHERE id = OLD."id"); DELETE FROM "gate_search_rows_canned_replies" WHERE id = OLD."id"; END;

-- search table: "tickets"
CREATE TABLE "gate_search_rows_tickets" (n integer PRIMARY KEY, id NOT NULL UNIQUE);

CREATE VIRTUAL TABLE "gate_search_tickets" USING fts5("s_subject", "s_description", content='', contentless_delete=1, tokenize='ascii');

INSERT INTO "gate_search_rows_tickets" (id) SELECT "id" FROM "tickets";

INSERT INTO "gate_search_tickets" (rowid, "s_subject", "s_description") SELECT r.n, substr(t."subject", 1, 65536), substr(t."description", 1, 65536) FROM "gate_search_rows_tickets" AS r JOIN "tickets" AS t ON t."id" = r.id;

CREATE TRIGGER "gate_search_tickets_insert" AFTER INSERT ON "tickets" BEGIN INSERT INTO "gate_search_rows_tickets" (id) VALUES (NEW."id"); INSERT INTO "gate_search_tickets" (rowid, "s_subject", "s_description") VALUES ((SELECT n FROM "gate_search_rows_tickets" WHERE id = NEW."id"), substr(NEW."subject", 1, 65536), substr(NEW."description", 1, 65536)); END;

CREATE TRIGGER "gate_search_tickets_update" AFTER UPDATE ON "tickets" WHEN OLD."id" IS NOT NEW."id" OR OLD."subject" IS NOT NEW."subject" OR OLD."description" IS NOT NEW."description" BEGIN DELETE FROM "gate_search_tickets" WHERE rowid = (SELECT n FROM "gate_search_rows_tickets" WHERE id = OLD."id"); UPDATE "gate_search_rows_tickets" SET id = NEW."id" WHERE id = OLD."id"; INSERT INTO "gate_search_tickets" (rowid, "s_subject", "s_description") VALUES ((SELECT n FROM "gate_search_rows_tickets" WHERE id = NEW."id"), substr(NEW."subject", 1, 65536), substr(NEW."description", 1, 65536)); END;

CREATE TRIGGER "gate_search_tickets_delete" AFTER DELETE ON "tickets" BEGIN DELETE FROM "gate_search_tickets" WHERE rowid = (SELECT n FROM "gate_search_rows_tickets" WHERE id = OLD."id"); DELETE FROM "gate_search_rows_tickets" WHERE id = OLD."id"; END;

-- search table: "articles"
CREATE TABLE "gate_search_rows_articles" (n integer PRIMARY KEY, id NOT NULL UNIQUE);

CREATE VIRTUAL TABLE "gate_search_articles" USING fts5("s_title", "s_body", content='', contentless_delete=1, tokenize='ascii');

INSERT INTO "gate_search_rows_articles" (id) SELECT "id" FROM "articles";

INSERT INTO "gate_search_articles" (rowid, "s_title", "s_body") SELECT r.n, substr(t."title", 1, 65536), substr(t."body", 1, 65536) FROM "gate_search_rows_articles" AS r JOIN "articles" AS t ON t."id" = r.id;

CREATE TRIGGER "gate_search_articles_insert" AFTER INSERT ON "articles" BEGIN INSERT INTO "gate_search_rows_articles" (id) VALUES (NEW."id"); INSERT INTO "gate_search_articles" (rowid, "s_title", "s_body") VALUES ((SELECT n FROM "gate_search_rows_articles" WHERE id = NEW."id"), substr(NEW."title", 1, 65536), substr(NEW."body", 1, 65536)); END;

CREATE TRIGGER "gate_search_articles_update" AFTER UPDATE ON "articles" WHEN OLD."id" IS NOT NEW."id" OR OLD."title" IS NOT NEW."title" OR OLD."body" IS NOT NEW."body" BEGIN DELETE FROM "gate_search_articles" WHERE rowid = (SELECT n FROM "gate_search_rows_articles" WHERE id = OLD."id"); UPDATE "gate_search_rows_articles" SET id = NEW."id" WHERE id = OLD."id"; INSERT INTO "gate_search_articles" (rowid, "s_title", "s_body") VALUES ((SELECT n FROM "gate_search_rows_articles" WHERE id = NEW."id"), substr(NEW."title", 1, 65536), substr(NEW."body", 1, 65536)); END;

CREATE TRIGGER "gate_search_articles_delete" AFTER DELETE ON "articles" BEGIN DELETE FROM "gate_search_articles" WHERE rowid = (SELECT n FROM "gate_search_rows_articles" WHERE id = OLD."id"); DELETE FROM "gate_search_rows_articles" WHERE id = OLD."id"; END;
