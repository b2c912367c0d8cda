-- The audience of a refresh token once more, beside the document, so that the
-- tokens of an API go with it. Those of an API that has gone already go now.
ALTER TABLE idp_refresh ADD COLUMN audience VARCHAR(600) BYTEWISE NOT NULL DEFAULT '';
UPDATE idp_refresh SET audience = COALESCE(DOCUMENT ->> 'audience', '');
DELETE FROM idp_refresh WHERE audience <> '' AND audience NOT IN (SELECT name FROM idp_objects WHERE kind = 'api');
CREATE INDEX idp_refresh_audience ON idp_refresh (audience);
