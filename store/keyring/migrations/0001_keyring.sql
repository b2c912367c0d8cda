-- One row a key that signs tokens. The generation is unique, so that of several
-- processes that make the next key at once one succeeds. The private half is
-- sealed with a secret that is not in the database. Times are milliseconds since
-- 1970 UTC.
CREATE TABLE gate_keys (
    generation BIGINT NOT NULL PRIMARY KEY,
    id         TEXT   NOT NULL UNIQUE,
    algorithm  TEXT   NOT NULL,
    sealed     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL
);
