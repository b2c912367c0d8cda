CREATE TABLE idp_objects (
  kind       VARCHAR(32) BYTEWISE NOT NULL,
  id         VARCHAR(255) BYTEWISE NOT NULL,
  name       VARCHAR(700) BYTEWISE NOT NULL,
  doc        TEXT         NOT NULL,
  created_at BIGINT       NOT NULL,
  updated_at BIGINT       NOT NULL,
  PRIMARY KEY (kind, id),
  CONSTRAINT idp_objects_name UNIQUE (kind, name)
);
CREATE TABLE idp_changes (
  kind    VARCHAR(32) BYTEWISE NOT NULL PRIMARY KEY,
  version BIGINT      NOT NULL
);
CREATE TABLE idp_users (
  id             VARCHAR(255) BYTEWISE NOT NULL PRIMARY KEY,
  connection     VARCHAR(128) BYTEWISE NOT NULL,
  email          VARCHAR(320) BYTEWISE NOT NULL,
  name           VARCHAR(400) BYTEWISE NOT NULL,
  blocked        INTEGER      NOT NULL,
  doc            TEXT         NOT NULL,
  created_at     BIGINT       NOT NULL,
  updated_at     BIGINT       NOT NULL,
  last_login_at  BIGINT       NOT NULL,
  last_ip        VARCHAR(64) BYTEWISE NOT NULL,
  logins_count   BIGINT       NOT NULL
);
CREATE INDEX idp_users_email ON idp_users (email);
CREATE INDEX idp_users_connection ON idp_users (connection, created_at, id);
CREATE INDEX idp_users_created ON idp_users (created_at, id);
CREATE TABLE idp_identities (
  provider      VARCHAR(128) BYTEWISE NOT NULL,
  subject       VARCHAR(255) BYTEWISE NOT NULL,
  connection    VARCHAR(128) BYTEWISE NOT NULL,
  user_id       VARCHAR(255) BYTEWISE NOT NULL REFERENCES idp_users (id) ON DELETE CASCADE,
  position      INTEGER      NOT NULL,
  email         VARCHAR(320) BYTEWISE,
  username      VARCHAR(255) BYTEWISE,
  password_hash TEXT,
  password_at   BIGINT       NOT NULL,
  social        INTEGER      NOT NULL,
  profile       TEXT         NOT NULL,
  created_at    BIGINT       NOT NULL,
  PRIMARY KEY (provider, subject),
  CONSTRAINT idp_identities_email UNIQUE (connection, email),
  CONSTRAINT idp_identities_username UNIQUE (connection, username)
);
CREATE INDEX idp_identities_user ON idp_identities (user_id);
CREATE TABLE idp_user_roles (
  user_id VARCHAR(255) BYTEWISE NOT NULL REFERENCES idp_users (id) ON DELETE CASCADE,
  role_id VARCHAR(64) BYTEWISE NOT NULL,
  PRIMARY KEY (user_id, role_id)
);
CREATE INDEX idp_user_roles_role ON idp_user_roles (role_id, user_id);
CREATE TABLE idp_user_permissions (
  user_id VARCHAR(255) BYTEWISE NOT NULL REFERENCES idp_users (id) ON DELETE CASCADE,
  api     VARCHAR(600) BYTEWISE NOT NULL,
  name    VARCHAR(280) BYTEWISE NOT NULL,
  PRIMARY KEY (user_id, api, name)
);
CREATE TABLE idp_role_permissions (
  role_id VARCHAR(64) BYTEWISE NOT NULL,
  api     VARCHAR(600) BYTEWISE NOT NULL,
  name    VARCHAR(280) BYTEWISE NOT NULL,
  PRIMARY KEY (role_id, api, name)
);
CREATE TABLE idp_sessions (
  hash             BYTES        NOT NULL PRIMARY KEY,
  id               VARCHAR(64) BYTEWISE NOT NULL UNIQUE,
  user_id          VARCHAR(255) BYTEWISE NOT NULL REFERENCES idp_users (id) ON DELETE CASCADE,
  doc              TEXT         NOT NULL,
  created_at       BIGINT       NOT NULL,
  authenticated_at BIGINT       NOT NULL,
  used_at          BIGINT       NOT NULL,
  idle_expires_at  BIGINT       NOT NULL,
  expires_at       BIGINT       NOT NULL
);
CREATE INDEX idp_sessions_user ON idp_sessions (user_id);
CREATE INDEX idp_sessions_expires ON idp_sessions (expires_at);
CREATE INDEX idp_sessions_idle ON idp_sessions (idle_expires_at);
CREATE TABLE idp_tokens (
  hash       BYTES        NOT NULL PRIMARY KEY,
  kind       VARCHAR(32) BYTEWISE NOT NULL,
  user_id    VARCHAR(255) BYTEWISE NOT NULL,
  client_id  VARCHAR(64) BYTEWISE NOT NULL,
  grant_id   VARCHAR(64) BYTEWISE NOT NULL,
  doc        TEXT         NOT NULL,
  created_at BIGINT       NOT NULL,
  expires_at BIGINT       NOT NULL,
  used_at    BIGINT       NOT NULL
);
CREATE INDEX idp_tokens_user ON idp_tokens (user_id, kind);
CREATE INDEX idp_tokens_grant ON idp_tokens (grant_id);
CREATE INDEX idp_tokens_expires ON idp_tokens (expires_at);
CREATE TABLE idp_refresh (
  id              VARCHAR(64) BYTEWISE NOT NULL PRIMARY KEY,
  nonce           BYTES        NOT NULL,
  user_id         VARCHAR(255) BYTEWISE NOT NULL REFERENCES idp_users (id) ON DELETE CASCADE,
  client_id       VARCHAR(64) BYTEWISE NOT NULL,
  session_id      VARCHAR(64) BYTEWISE NOT NULL,
  generation      BIGINT       NOT NULL,
  rotated_at      BIGINT       NOT NULL,
  created_at      BIGINT       NOT NULL,
  expires_at      BIGINT       NOT NULL,
  idle_expires_at BIGINT       NOT NULL,
  revoked_at      BIGINT       NOT NULL,
  doc             TEXT         NOT NULL
);
CREATE INDEX idp_refresh_user ON idp_refresh (user_id, client_id);
CREATE INDEX idp_refresh_session ON idp_refresh (session_id);
CREATE INDEX idp_refresh_client ON idp_refresh (client_id);
CREATE INDEX idp_refresh_expires ON idp_refresh (expires_at);
CREATE INDEX idp_refresh_idle ON idp_refresh (idle_expires_at);
CREATE INDEX idp_refresh_revoked ON idp_refresh (revoked_at) WHERE revoked_at > 0;
CREATE TABLE idp_revoked (
  id         VARCHAR(64) BYTEWISE NOT NULL PRIMARY KEY,
  expires_at BIGINT      NOT NULL
);
CREATE INDEX idp_revoked_expires ON idp_revoked (expires_at);
CREATE TABLE idp_consents (
  user_id    VARCHAR(255) BYTEWISE NOT NULL REFERENCES idp_users (id) ON DELETE CASCADE,
  client_id  VARCHAR(64) BYTEWISE NOT NULL,
  audience   VARCHAR(600) BYTEWISE NOT NULL,
  scope      TEXT         NOT NULL,
  updated_at BIGINT       NOT NULL,
  PRIMARY KEY (user_id, client_id, audience)
);
CREATE TABLE idp_logs (
  id         VARCHAR(40) BYTEWISE NOT NULL PRIMARY KEY,
  date       BIGINT       NOT NULL,
  type       VARCHAR(40) BYTEWISE NOT NULL,
  user_id    VARCHAR(255) BYTEWISE NOT NULL,
  client_id  VARCHAR(64) BYTEWISE NOT NULL,
  connection VARCHAR(128) BYTEWISE NOT NULL,
  ip         VARCHAR(64) BYTEWISE NOT NULL,
  doc        TEXT         NOT NULL
);
CREATE INDEX idp_logs_user ON idp_logs (user_id, id);
CREATE INDEX idp_logs_type ON idp_logs (type, id);
CREATE INDEX idp_logs_date ON idp_logs (date);
