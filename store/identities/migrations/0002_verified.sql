-- Whether the issuer called the address of the account verified, for this subject.
ALTER TABLE gate_identities ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;
