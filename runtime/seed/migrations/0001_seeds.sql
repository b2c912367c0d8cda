-- One row for each row that a seed made, and for each step of the service's own
-- code, which has no entity: what is here is never made again, whatever became of
-- it. Times are milliseconds since 1970 UTC.
CREATE TABLE gate_seeds (
    entity  TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    row_id  TEXT   NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (entity, name)
);
