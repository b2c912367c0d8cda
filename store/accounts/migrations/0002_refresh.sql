-- A session may be known by a secret, which stands in a cookie. Of secrets the
-- SHA-256 is kept, in hexadecimal.
ALTER TABLE gate_sessions ADD COLUMN secret_hash TEXT;
ALTER TABLE gate_sessions ADD COLUMN authenticated_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE gate_sessions ADD COLUMN idle_for BIGINT NOT NULL DEFAULT 0;
UPDATE gate_sessions SET authenticated_at = created_at;
CREATE UNIQUE INDEX gate_sessions_secret_hash ON gate_sessions (secret_hash) WHERE secret_hash IS NOT NULL;
CREATE INDEX gate_sessions_ended_at ON gate_sessions (ended_at) WHERE ended_at IS NOT NULL;

-- One row a refresh token. Those of one session are a family, each the child
-- of the one a generation before; that there is one of each generation is what
-- makes a second child impossible. Used ones stay to be recognised.
CREATE TABLE gate_refresh_tokens (
    token_hash   TEXT   NOT NULL PRIMARY KEY,
    session_id   TEXT   NOT NULL REFERENCES gate_sessions (id) ON DELETE CASCADE,
    generation   BIGINT NOT NULL,
    issued_at    BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    used_at      BIGINT,
    used_agent   TEXT   NOT NULL DEFAULT '',
    used_network TEXT   NOT NULL DEFAULT '',
    sealed_child TEXT   NOT NULL DEFAULT '',
    UNIQUE (session_id, generation)
);
