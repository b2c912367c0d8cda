-- create "items" table
CREATE TABLE "items" (
	"id" text NOT NULL,
	"name" text NOT NULL,
	"price" integer NOT NULL,
	"description" text NULL,
	"image" text NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id")
);

-- create "users" table
CREATE TABLE "users" (
	"id" text NOT NULL,
	"email" text NOT NULL,
	"password" text NOT NULL,
	"name" text NULL,
	"picture" text NULL,
	"roles" text NOT NULL,
	"created_at" text NOT NULL,
	"updated_at" text NOT NULL,
	 PRIMARY KEY ("id")
);

-- create index "users_email_key" to table: "users"
CREATE UNIQUE INDEX "users_email_key" ON "users" (("email" COLLATE NOCASE));
