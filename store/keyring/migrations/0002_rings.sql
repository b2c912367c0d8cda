-- A ring is keys that follow one another. Several live in one table; those that
-- were there before are the ring without a name.
CREATE TABLE gate_keys_rings (
    ring       TEXT   NOT NULL DEFAULT '',
    generation BIGINT NOT NULL,
    id         TEXT   NOT NULL,
    algorithm  TEXT   NOT NULL,
    sealed     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    CONSTRAINT gate_keys_generation PRIMARY KEY (ring, generation),
    CONSTRAINT gate_keys_name UNIQUE (id)
);
INSERT INTO gate_keys_rings (generation, id, algorithm, sealed, created_at, signs_from)
    SELECT generation, id, algorithm, sealed, created_at, signs_from FROM gate_keys;
DROP TABLE gate_keys;
ALTER TABLE gate_keys_rings RENAME TO gate_keys;
