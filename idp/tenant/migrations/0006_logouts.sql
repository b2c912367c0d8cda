-- Log-outs that clients are still to be told of: a row comes with the end of a
-- session, in the same transaction, and goes when all have been told.
CREATE TABLE idp_logouts (
  session_id VARCHAR(64) BYTEWISE NOT NULL PRIMARY KEY,
  user_id    VARCHAR(255) BYTEWISE NOT NULL,
  clients    TEXT         NOT NULL,
  tries      INTEGER      NOT NULL,
  due_at     BIGINT       NOT NULL
);
CREATE INDEX idp_logouts_due ON idp_logouts (due_at);
