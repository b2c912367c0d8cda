-- A user's epoch counts up when everything of theirs ends. What a log-in leads
-- to is stored only in the epoch in which the secret was looked at.
ALTER TABLE idp_users ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
ALTER TABLE idp_sessions ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
