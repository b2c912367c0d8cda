-- Who at an issuer is which account. Without an account it was removed, and the
-- subject is a digest: whoever it was does not get another one by itself.
CREATE TABLE gate_identities (
    issuer     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    entity     TEXT   NOT NULL,
    account    TEXT,
    bound_at   BIGINT NOT NULL,
    profile_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

CREATE UNIQUE INDEX gate_identities_account ON gate_identities (entity, account, issuer);

-- What an entity's accounts are given once and never again.
CREATE TABLE gate_identity_grants (
    entity     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (entity, name)
);
