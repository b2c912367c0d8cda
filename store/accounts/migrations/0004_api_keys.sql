-- API keys. The id stands in the key before its secret, of which the SHA-256 is
-- kept. A key has one successor at most.
CREATE TABLE gate_api_keys (
    id           TEXT   NOT NULL PRIMARY KEY,
    entity       TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    name         TEXT   NOT NULL,
    secret_hash  TEXT   NOT NULL,
    scopes       TEXT   NOT NULL,
    networks     TEXT   NOT NULL,
    predecessor  TEXT   UNIQUE,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL DEFAULT 0,
    expires_at   BIGINT NOT NULL,
    revoked_at   BIGINT
);

CREATE INDEX gate_api_keys_account ON gate_api_keys (entity, subject);
CREATE INDEX gate_api_keys_expires_at ON gate_api_keys (expires_at);
CREATE INDEX gate_api_keys_revoked_at ON gate_api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
