-- search table: "items"
CREATE TABLE "gate_search_rows_items" (n integer PRIMARY KEY, id NOT NULL UNIQUE);

CREATE VIRTUAL TABLE "gate_search_items" USING fts5("s_name", content='', contentless_delete=1, tokenize='ascii');

INSERT INTO "gate_search_rows_items" (id) SELECT "id" FROM "items";

INSERT INTO "gate_search_items" (rowid, "s_name") SELECT r.n, substr(t."name", 1, 65536) FROM "gate_search_rows_items" AS r JOIN "items" AS t ON t."id" = r.id;

CREATE TRIGGER "gate_search_items_insert" AFTER INSERT ON "items" BEGIN INSERT INTO "gate_search_rows_items" (id) VALUES (NEW."id"); INSERT INTO "gate_search_items" (rowid, "s_name") VALUES ((SELECT n FROM "gate_search_rows_items" WHERE id = NEW."id"), substr(NEW."name", 1, 65536)); END;

CREATE TRIGGER "gate_search_items_update" AFTER UPDATE ON "items" WHEN OLD."id" IS NOT NEW."id" OR OLD."name" IS NOT NEW."name" BEGIN DELETE FROM "gate_search_items" WHERE rowid = (SELECT n FROM "gate_search_rows_items" WHERE id = OLD."id"); UPDATE "gate_search_rows_items" SET id = NEW."id" WHERE id = OLD."id"; INSERT INTO "gate_search_items" (rowid, "s_name") VALUES ((SELECT n FROM "gate_search_rows_items" WHERE id = NEW."id"), substr(NEW."name", 1, 65536)); END;

CREATE TRIGGER "gate_search_items_delete" AFTER DELETE ON "items" BEGIN DELETE FROM "gate_search_items" WHERE rowid = (SELECT n FROM "gate_search_rows_items" WHERE id = OLD."id"); DELETE FROM "gate_search_rows_items" WHERE id = OLD."id"; END;

-- search table: "users"
CREATE TABLE "gate_search_rows_users" (n integer PRIMARY KEY, id NOT NULL UNIQUE);

CREATE VIRTUAL TABLE "gate_search_users" USING fts5("s_email", content='', contentless_delete=1, tokenize='ascii');

INSERT INTO "gate_search_rows_users" (id) SELECT "id" FROM "users";

INSERT INTO "gate_search_users" (rowid, "s_email") SELECT r.n, substr(t."email", 1, 65536) FROM "gate_search_rows_users" AS r JOIN "users" AS t ON t."id" = r.id;

CREATE TRIGGER "gate_search_users_insert" AFTER INSERT ON "users" BEGIN INSERT INTO "gate_search_rows_users" (id) VALUES (NEW."id"); INSERT INTO "gate_search_users" (rowid, "s_email") VALUES ((SELECT n FROM "gate_search_rows_users" WHERE id = NEW."id"), substr(NEW."email", 1, 65536)); END;

CREATE TRIGGER "gate_search_users_update" AFTER UPDATE ON "users" WHEN OLD."id" IS NOT NEW."id" OR OLD."email" IS NOT NEW."email" BEGIN DELETE FROM "gate_search_users" WHERE rowid = (SELECT n FROM "gate_search_rows_users" WHERE id = OLD."id"); UPDATE "gate_search_rows_users" SET id = NEW."id" WHERE id = OLD."id"; INSERT INTO "gate_search_users" (rowid, "s_email") VALUES ((SELECT n FROM "gate_search_rows_users" WHERE id = NEW."id"), substr(NEW."email", 1, 65536)); END;

CREATE TRIGGER "gate_search_users_delete" AFTER DELETE ON "users" BEGIN DELETE FROM "gate_search_users" WHERE rowid = (SELECT n FROM "gate_search_rows_users" WHERE id = OLD."id"); DELETE FROM "gate_search_rows_users" WHERE id = OLD."id"; END;
