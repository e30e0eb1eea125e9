-- A shard: the data of many contexts; every key begins with the context.
-- TEXT holds 65,535 bytes on a server, MEDIUMTEXT 16 MiB; VARCHAR counts characters.
-- Times are ms since the epoch; "modified" and "version" are stamps (see the model's Version).
-- A context that lives here, or is on its way. state: 0 lives here, 1 is leaving (no writes), 2 is arriving. born: as in
-- configdb, so that nobody takes it for an earlier one of the same id. epoch: of the job that may change this row, 0 for
-- none. filestore: the only one in which a content may get a name. filestore_from: while the contents move, where those lie
-- that have not come yet; else 0. enabled: 0 keeps out the writes of requests that began before the context was disabled.
CREATE TABLE homes (
  cid BIGINT NOT NULL,
  state BIGINT NOT NULL,
  born BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  filestore BIGINT NOT NULL,
  filestore_from BIGINT NOT NULL,
  enabled BIGINT NOT NULL,
  PRIMARY KEY (cid)
) {table};

CREATE TABLE scopes (
  cid BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (cid, kind, id)
) {table};

-- Ids are taken in blocks: next is the first id nobody has.
CREATE TABLE sequences (
  cid BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  next BIGINT NOT NULL,
  PRIMARY KEY (cid, kind)
) {table};

-- access: which modules and interfaces the user may use, a bit each (see the model's Access).
CREATE TABLE users (
  cid BIGINT NOT NULL,
  id BIGINT NOT NULL,
  login VARCHAR(256) NOT NULL,
  display_name VARCHAR(256) NOT NULL,
  given_name VARCHAR(256) NOT NULL,
  surname VARCHAR(256) NOT NULL,
  email VARCHAR(320) NOT NULL,
  timezone VARCHAR(64) NOT NULL,
  locale VARCHAR(16) NOT NULL,
  password_hash VARCHAR(255) NOT NULL,
  enabled BIGINT NOT NULL,
  access BIGINT NOT NULL,
  modified BIGINT NOT NULL,
  PRIMARY KEY (cid, id)
) {table};
CREATE UNIQUE INDEX users_login ON users (cid, login);
CREATE UNIQUE INDEX users_display_name ON users (cid, display_name);

-- Users whose password_hash still holds their password, encrypted with the nodes' key, because they came many at once.
-- claimed: when somebody last began to hash it, ms since the epoch.
CREATE TABLE unhashed (
  cid BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  claimed BIGINT NOT NULL,
  PRIMARY KEY (cid, uid)
) {table};

-- What else is known of a user: further contact fields, aliases, mail servers, and what the operator adds
-- (namespace/name).
CREATE TABLE user_attributes (
  cid BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  name VARCHAR(128) NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (cid, uid, name)
) {table};

-- The same of a context.
CREATE TABLE context_attributes (
  cid BIGINT NOT NULL,
  name VARCHAR(128) NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (cid, name)
) {table};

-- Rooms, beamers, cars: what can be booked.
CREATE TABLE resources (
  cid BIGINT NOT NULL,
  id BIGINT NOT NULL,
  name VARCHAR(256) NOT NULL,
  display_name VARCHAR(256) NOT NULL,
  email VARCHAR(320) NOT NULL,
  description TEXT NOT NULL,
  available BIGINT NOT NULL,
  modified BIGINT NOT NULL,
  PRIMARY KEY (cid, id)
) {table};
CREATE UNIQUE INDEX resources_name ON resources (cid, name);
CREATE UNIQUE INDEX resources_email ON resources (cid, email);

CREATE TABLE user_groups (
  cid BIGINT NOT NULL,
  id BIGINT NOT NULL,
  name VARCHAR(256) NOT NULL,
  display_name VARCHAR(256) NOT NULL,
  modified BIGINT NOT NULL,
  PRIMARY KEY (cid, id)
) {table};
CREATE UNIQUE INDEX user_groups_name ON user_groups (cid, name);

CREATE TABLE group_members (
  cid BIGINT NOT NULL,
  gid BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  PRIMARY KEY (cid, gid, uid)
) {table};
CREATE INDEX group_members_uid ON group_members (cid, uid, gid);

-- A membership that has ended: what is shown to the group was shown to its member until then.
CREATE TABLE member_tombstones (
  cid BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  gid BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (cid, uid, gid)
) {table};

-- Credentials are kept as SHA-256 only. handle: the public name of a session, for logs and lists. line_hash: of the first half of
-- all its secrets, which never changes. next_hash: the secret that follows, which salt leads to; before_hash: the one before;
-- renewed: since when the present one is the present one, ms since the epoch.
CREATE TABLE sessions (
  cid BIGINT NOT NULL,
  token_hash VARBINARY(32) NOT NULL,
  uid BIGINT NOT NULL,
  handle VARCHAR(32) NOT NULL,
  secret_hash VARBINARY(32) NOT NULL,
  public_hash VARBINARY(32) NOT NULL,
  line_hash VARBINARY(32) NOT NULL,
  next_hash VARBINARY(32) NOT NULL,
  before_hash VARBINARY(32) NOT NULL,
  salt VARBINARY(32) NOT NULL,
  client VARCHAR(256) NOT NULL,
  address VARCHAR(64) NOT NULL,
  user_agent VARCHAR(256) NOT NULL,
  stays BIGINT NOT NULL,
  created BIGINT NOT NULL,
  renewed BIGINT NOT NULL,
  used BIGINT NOT NULL,
  node VARCHAR(64) NOT NULL,
  PRIMARY KEY (cid, token_hash)
) {table};
CREATE INDEX sessions_uid ON sessions (cid, uid);

-- From where a user signed in before: networks and devices, as SHA-256. seen: when last, to a day, ms since the epoch.
CREATE TABLE known_origins (
  cid BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  hash VARBINARY(32) NOT NULL,
  seen BIGINT NOT NULL,
  PRIMARY KEY (cid, uid, hash)
) {table};

-- Second factors. secret: what the user's device and the server share, encrypted with the nodes' key. confirmed: since when it is asked
-- for, ms since the epoch; 0: it was begun only. step: the last one whose code was used, 30 seconds each, counted from the epoch.
CREATE TABLE second_factors (
  cid BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  secret VARCHAR(255) NOT NULL,
  confirmed BIGINT NOT NULL,
  step BIGINT NOT NULL,
  PRIMARY KEY (cid, uid)
) {table};

-- Codes for when the device is lost, as SHA-256; a row goes when it is used.
CREATE TABLE recovery_codes (
  cid BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  hash VARBINARY(32) NOT NULL,
  PRIMARY KEY (cid, uid, hash)
) {table};

-- App passwords. hash: SHA-256. scope: 1 WebDAV, 2 ActiveSync, 3 both. used: when last, to a minute, ms since the epoch; 0: never.
CREATE TABLE app_passwords (
  cid BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  id BIGINT NOT NULL,
  name VARCHAR(256) NOT NULL,
  hash VARBINARY(32) NOT NULL,
  scope BIGINT NOT NULL,
  created BIGINT NOT NULL,
  used BIGINT NOT NULL,
  PRIMARY KEY (cid, uid, id)
) {table};
CREATE UNIQUE INDEX app_passwords_hash ON app_passwords (cid, uid, hash);

-- owner: that of a private folder, else 0. Names are unique below a parent for each owner: everybody has a "Calendar".
CREATE TABLE folders (
  cid BIGINT NOT NULL,
  id BIGINT NOT NULL,
  parent BIGINT NOT NULL,
  title VARCHAR(255) NOT NULL,
  module BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  standard BIGINT NOT NULL,
  owner BIGINT NOT NULL,
  created_by BIGINT NOT NULL,
  created BIGINT NOT NULL,
  modified_by BIGINT NOT NULL,
  modified BIGINT NOT NULL,
  PRIMARY KEY (cid, id)
) {table};
CREATE UNIQUE INDEX folders_title ON folders (cid, parent, title, owner);
CREATE INDEX folders_modified ON folders (cid, parent, modified);
CREATE INDEX folders_changed ON folders (cid, modified);

-- principal: 2 * id, plus 1 for a group, so that "mine" is one list. parent repeats the folder's, so that
-- "children of P that I may see" is one range of one index. sees: whether these bits show the folder.
CREATE TABLE folder_permissions (
  cid BIGINT NOT NULL,
  folder BIGINT NOT NULL,
  principal BIGINT NOT NULL,
  bits BIGINT NOT NULL,
  sees BIGINT NOT NULL,
  parent BIGINT NOT NULL,
  PRIMARY KEY (cid, folder, principal)
) {table};
CREATE INDEX folder_permissions_parent ON folder_permissions (cid, parent, principal, sees, folder, bits);
CREATE INDEX folder_permissions_principal ON folder_permissions (cid, principal, sees, folder, parent);

-- A folder that left a parent, by deletion or by a move. owner: as the folder's was, because whoever shared it is listed
-- too.
CREATE TABLE folder_tombstones (
  cid BIGINT NOT NULL,
  parent BIGINT NOT NULL,
  id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  owner BIGINT NOT NULL,
  PRIMARY KEY (cid, parent, id)
) {table};
CREATE INDEX folder_tombstones_version ON folder_tombstones (cid, parent, version);
CREATE INDEX folder_tombstones_changed ON folder_tombstones (cid, version);

-- A permission that showed a folder and does so no more: it was withdrawn, or the folder was deleted or became somebody else's. node:
-- below whose node of the shared folders it was found, the owner of a private folder, else 0; a deleted user's number stays
-- here, as an id that is nobody's. module: the folder's.
CREATE TABLE permission_tombstones (
  cid BIGINT NOT NULL,
  folder BIGINT NOT NULL,
  principal BIGINT NOT NULL,
  node BIGINT NOT NULL,
  module BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (cid, folder, principal, node)
) {table};
CREATE INDEX permission_tombstones_principal ON permission_tombstones (cid, principal, version);

-- name is that of the current version, NULL for notes and bookmarks, which may be many in a folder.
CREATE TABLE files (
  cid BIGINT NOT NULL,
  id BIGINT NOT NULL,
  folder BIGINT NOT NULL,
  name VARCHAR(255) NULL,
  title VARCHAR(255) NOT NULL,
  description MEDIUMTEXT NOT NULL,
  url TEXT NOT NULL,
  version BIGINT NOT NULL,
  versions BIGINT NOT NULL,
  created_by BIGINT NOT NULL,
  created BIGINT NOT NULL,
  modified_by BIGINT NOT NULL,
  modified BIGINT NOT NULL,
  PRIMARY KEY (cid, id)
) {table};
CREATE UNIQUE INDEX files_name ON files (cid, folder, name);
CREATE INDEX files_modified ON files (cid, folder, modified);

CREATE TABLE file_versions (
  cid BIGINT NOT NULL,
  file BIGINT NOT NULL,
  version BIGINT NOT NULL,
  name VARCHAR(255) NOT NULL,
  mime VARCHAR(255) NOT NULL,
  size BIGINT NOT NULL,
  md5 VARCHAR(32) NOT NULL,
  blake3 VARCHAR(64) NOT NULL,
  store_key VARCHAR(255) NOT NULL,
  comment TEXT NOT NULL,
  created_by BIGINT NOT NULL,
  created BIGINT NOT NULL,
  PRIMARY KEY (cid, file, version)
) {table};
CREATE UNIQUE INDEX file_versions_key ON file_versions (cid, store_key);

CREATE TABLE file_tombstones (
  cid BIGINT NOT NULL,
  folder BIGINT NOT NULL,
  id BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (cid, folder, id)
) {table};
CREATE INDEX file_tombstones_version ON file_tombstones (cid, folder, version);

-- WebDAV locks. Exactly one of folder and file is not 0.
CREATE TABLE dav_locks (
  cid BIGINT NOT NULL,
  token VARCHAR(64) NOT NULL,
  folder BIGINT NOT NULL,
  file BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  shared BIGINT NOT NULL,
  deep BIGINT NOT NULL,
  owner MEDIUMTEXT NOT NULL,
  expires BIGINT NOT NULL,
  PRIMARY KEY (cid, token)
) {table};
CREATE INDEX dav_locks_target ON dav_locks (cid, folder, file);
CREATE INDEX dav_locks_deep ON dav_locks (cid, deep, folder);
CREATE INDEX dav_locks_file ON dav_locks (cid, file);

-- WebDAV properties the server keeps but does not understand.
CREATE TABLE dead_properties (
  cid BIGINT NOT NULL,
  folder BIGINT NOT NULL,
  file BIGINT NOT NULL,
  name VARCHAR(512) NOT NULL,
  value MEDIUMTEXT NOT NULL,
  PRIMARY KEY (cid, folder, file, name)
) {table};

-- The two-step write: a stored file has a row here until its metadata is committed (state 0), and again from the
-- commit that gives it up until it is removed (state 1). writer: incarnation of the node that reserved it. filestore: where it
-- is being written; 0 for one that had a name, which lies in the context's file stores.
CREATE TABLE stored_files (
  cid BIGINT NOT NULL,
  store_key VARCHAR(255) NOT NULL,
  state BIGINT NOT NULL,
  writer VARCHAR(32) NOT NULL,
  since BIGINT NOT NULL,
  filestore BIGINT NOT NULL,
  PRIMARY KEY (cid, store_key)
) {table};

-- Bytes in use, spread over slots so that uploads to different folders do not wait for one row.
CREATE TABLE filestore_usage (
  cid BIGINT NOT NULL,
  slot BIGINT NOT NULL,
  used BIGINT NOT NULL,
  PRIMARY KEY (cid, slot)
) {table};
