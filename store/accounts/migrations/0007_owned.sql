-- Whether whoever showed to read the address alone has ways into the account: a
-- letter that is opened does not end what somebody else made of the account before.
ALTER TABLE gate_verified ADD COLUMN owned INTEGER NOT NULL DEFAULT 0;
