-- One row a request that was to be made once. The key and the body are kept as
-- their SHA-256; what was answered is not kept. A status of 0 is a request that
-- is being made. Times are milliseconds since 1970 UTC.
CREATE TABLE gate_idempotency (
    caller     TEXT   NOT NULL,
    route      TEXT   NOT NULL,
    key        TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    token      TEXT   NOT NULL,
    status     BIGINT NOT NULL,
    row_ids    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (caller, route, key)
);

CREATE INDEX gate_idempotency_expires_at ON gate_idempotency (expires_at);
