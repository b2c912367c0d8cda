-- The e-mail address of an account that its owner has shown to read. Another
-- address is not verified, whatever became of this row.
CREATE TABLE gate_verified (
    entity      TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    address     TEXT   NOT NULL,
    verified_at BIGINT NOT NULL,
    PRIMARY KEY (entity, subject)
);
