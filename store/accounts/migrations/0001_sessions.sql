-- One row a login. The id stands in tokens, which are signed; knowing one logs
-- nobody in. Times are milliseconds since 1970 UTC.
CREATE TABLE gate_sessions (
    id           TEXT   NOT NULL PRIMARY KEY,
    entity       TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    strategy     TEXT   NOT NULL,
    user_agent   TEXT   NOT NULL,
    address      TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT
);

CREATE INDEX gate_sessions_subject ON gate_sessions (entity, subject);
CREATE INDEX gate_sessions_expires_at ON gate_sessions (expires_at);
