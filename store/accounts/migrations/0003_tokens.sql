-- Tokens in mailed links: good for one purpose, once.
CREATE TABLE gate_tokens (
    token_hash TEXT   NOT NULL PRIMARY KEY,
    purpose    TEXT   NOT NULL,
    entity     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    version    TEXT   NOT NULL,
    data       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

CREATE INDEX gate_tokens_account ON gate_tokens (entity, subject, purpose);
CREATE INDEX gate_tokens_expires_at ON gate_tokens (expires_at);
