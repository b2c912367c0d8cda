-- One row a counter of attempts. The key is a keyed hash: neither a name that
-- somebody typed nor an address can be read from it. Times are milliseconds
-- since 1970 UTC.
CREATE TABLE gate_throttle (
    key        TEXT   NOT NULL PRIMARY KEY,
    state      TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX gate_throttle_expires_at ON gate_throttle (expires_at);
