-- One row an event, written once. The id begins with the time, so that its order
-- is that of the events. An address is whole while exact is 1, a network after
-- that. Times are milliseconds since 1970 UTC.
CREATE TABLE gate_audit (
    id         BIGINT  NOT NULL PRIMARY KEY,
    at         BIGINT  NOT NULL,
    action     TEXT    NOT NULL,
    outcome    INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    entity     TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    strategy   TEXT    NOT NULL,
    session_id TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    exact      INTEGER NOT NULL,
    user_agent TEXT    NOT NULL,
    details    TEXT    NOT NULL
);

CREATE INDEX gate_audit_subject ON gate_audit (subject, id);
CREATE INDEX gate_audit_action ON gate_audit (action, id);
CREATE INDEX gate_audit_exact ON gate_audit (id) WHERE exact = 1;
CREATE INDEX gate_audit_failed ON gate_audit (id) WHERE action = 'login' AND outcome = 0;
