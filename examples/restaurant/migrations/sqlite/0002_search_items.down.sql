-- stop searching table: "items"
DROP TRIGGER "gate_search_items_insert";

DROP TRIGGER "gate_search_items_update";

DROP TRIGGER "gate_search_items_delete";

DROP TABLE "gate_search_items";

DROP TABLE "gate_search_rows_items";
