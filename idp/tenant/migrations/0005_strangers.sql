-- The epochs of a user begin anywhere now, and not at 0 again. Those of before go
-- beyond what any token of an account under the same ID can have.
UPDATE idp_users SET epoch = epoch + 4294967296;
UPDATE idp_sessions SET epoch = epoch + 4294967296;
-- Who signed up before this was noted cannot be told from whom an administrator made.
UPDATE idp_identities SET unproven = 'none'
  WHERE unproven = '' AND email IS NOT NULL AND password_hash IS NOT NULL AND EXISTS (
    SELECT 1 FROM idp_users WHERE idp_users.id = idp_identities.user_id
      AND idp_users.id = idp_identities.provider || '|' || idp_identities.subject
      AND CAST(DOCUMENT ->> 'email_verified' AS TEXT) IN ('0', 'false'));
