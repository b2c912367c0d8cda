-- An identity that somebody signed up with, whose address nobody has proven.
ALTER TABLE idp_identities ADD COLUMN unproven VARCHAR(64) BYTEWISE NOT NULL DEFAULT '';
