-- Sealed children are erased within minutes, so few rows have one.
CREATE INDEX gate_refresh_tokens_sealed ON gate_refresh_tokens (used_at) WHERE sealed_child <> '';
