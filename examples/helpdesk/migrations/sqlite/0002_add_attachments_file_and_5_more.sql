-- create "new_attachments" table
CREATE TABLE "new_attachments" (
	"id" text NOT NULL,
	"organization_id" text NOT NULL,
	"ticket_id" text NOT NULL,
	"file" text NULL,
	"internal" integer NOT NULL,
	"deleted_at" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id"),
	 CONSTRAINT "attachments_organization_id_fkey" FOREIGN KEY ("organization_id") REFERENCES "organizations" ("id") ON DELETE RESTRICT,
	 CONSTRAINT "attachments_ticket_id_fkey" FOREIGN KEY ("ticket_id") REFERENCES "tickets" ("id") ON DELETE CASCADE
);

-- copy rows from old table "attachments" to new temporary table "new_attachments"
INSERT INTO "new_attachments" ("id", "organization_id", "ticket_id", "internal", "deleted_at", "created_at", "updated_at") SELECT "id", "organization_id", "ticket_id", "internal", "deleted_at", "created_at", "updated_at" FROM "attachments";

-- drop "attachments" table after copying rows
DROP TABLE "attachments";

-- rename temporary table "new_attachments" to "attachments"
ALTER TABLE "new_attachments" RENAME TO "attachments";

-- create index "attachments_organization_id_idx" to table: "attachments"
CREATE INDEX "attachments_organization_id_idx" ON "attachments" ("organization_id");

-- create index "attachments_ticket_id_idx" to table: "attachments"
CREATE INDEX "attachments_ticket_id_idx" ON "attachments" ("ticket_id");

-- create "attachments_files" table
CREATE TABLE "attachments_files" (
	"file" text NOT NULL,
	"part" integer NOT NULL,
	"row_id" text NOT NULL,
	"data" blob NOT NULL,
	 PRIMARY KEY ("file", "part"),
	 CONSTRAINT "attachments_files_row_id_fkey" FOREIGN KEY ("row_id") REFERENCES "attachments" ("id") ON DELETE CASCADE
);

-- create index "attachments_files_row_id_idx" to table: "attachments_files"
CREATE INDEX "attachments_files_row_id_idx" ON "attachments_files" ("row_id");
