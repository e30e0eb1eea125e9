-- configdb: what the whole deployment knows. One sequence gives every id that the operator does not choose.
CREATE TABLE config_sequence (
  name VARCHAR(32) NOT NULL,
  next BIGINT NOT NULL,
  PRIMARY KEY (name)
) {table};

-- A cluster ("server" in the operator's commands): the nodes that serve the same contexts.
CREATE TABLE servers (
  id BIGINT NOT NULL,
  name VARCHAR(255) NOT NULL,
  PRIMARY KEY (id)
) {table};
CREATE UNIQUE INDEX servers_name ON servers (name);

-- Database servers that hold contexts. A replica names its master; a master names 0. url: without credentials; password:
-- encrypted with the nodes' key. weight: 0 to 100, the share of new contexts. contexts_max: negative for no limit.
CREATE TABLE db_servers (
  id BIGINT NOT NULL,
  name VARCHAR(128) NOT NULL,
  url VARCHAR(255) NOT NULL,
  login VARCHAR(128) NOT NULL,
  password VARCHAR(512) NOT NULL,
  master BIGINT NOT NULL,
  weight BIGINT NOT NULL,
  contexts_max BIGINT NOT NULL,
  pool_hard_limit BIGINT NOT NULL,
  pool_max BIGINT NOT NULL,
  pool_initial BIGINT NOT NULL,
  PRIMARY KEY (id)
) {table};
CREATE UNIQUE INDEX db_servers_name ON db_servers (name);

-- Registered masters whose place another server has taken. promotion: the server that is written to, those it was taken from,
-- and how far what was written to it is, as the nodes saw it: a node that starts later knows it from here.
CREATE TABLE db_promotions (
  database_id BIGINT NOT NULL,
  promotion VARCHAR(2048) NOT NULL,
  PRIMARY KEY (database_id)
) {table};

-- Schemas on the masters. contexts: how many there are in it. ready: 0 while its tables are being made.
CREATE TABLE db_schemas (
  name VARCHAR(64) NOT NULL,
  database_id BIGINT NOT NULL,
  contexts BIGINT NOT NULL,
  ready BIGINT NOT NULL,
  PRIMARY KEY (name)
) {table};
CREATE INDEX db_schemas_database ON db_schemas (database_id, contexts);

-- size: bytes the operator gives the store, all contexts together. contexts: how many are on it.
CREATE TABLE filestores (
  id BIGINT NOT NULL,
  url VARCHAR(255) NOT NULL,
  size BIGINT NOT NULL,
  contexts_max BIGINT NOT NULL,
  contexts BIGINT NOT NULL,
  PRIMARY KEY (id)
) {table};
CREATE UNIQUE INDEX filestores_url ON filestores (url);

-- quota: bytes, negative for none. state: 0 ready, 1 being created, 2 being deleted. moves: grows by one each time the
-- context changes its database, so that of two places the newer is known. born: from the one sequence, tells a context
-- from an earlier one of the same id. filestore_from: while its contents move, where some may still lie; it is counted there too; else 0. maker,
-- made: of one being created, who is at it (a random name, new each time) and since when, ms since the epoch.
CREATE TABLE contexts (
  cid BIGINT NOT NULL,
  name VARCHAR(255) NOT NULL,
  enabled BIGINT NOT NULL,
  reason BIGINT NOT NULL,
  state BIGINT NOT NULL,
  server BIGINT NOT NULL,
  database_id BIGINT NOT NULL,
  db_schema VARCHAR(64) NOT NULL,
  moves BIGINT NOT NULL,
  filestore BIGINT NOT NULL,
  filestore_from BIGINT NOT NULL,
  quota BIGINT NOT NULL,
  born BIGINT NOT NULL,
  maker VARCHAR(32) NOT NULL,
  made BIGINT NOT NULL,
  PRIMARY KEY (cid)
) {table};
CREATE UNIQUE INDEX contexts_name ON contexts (name);
CREATE INDEX contexts_schema ON contexts (db_schema);
CREATE INDEX contexts_database ON contexts (database_id);
CREATE INDEX contexts_filestore ON contexts (filestore);

-- Keys that uploads had reserved in contexts that are deleted by now: content may still be written under them. writer: the
-- incarnation of the node; filestore: where; since: ms since the epoch.
CREATE TABLE left_keys (
  store_key VARCHAR(255) NOT NULL,
  filestore BIGINT NOT NULL,
  writer VARCHAR(32) NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY (store_key)
) {table};

-- Why a context was disabled, in the operator's words.
CREATE TABLE reasons (
  id BIGINT NOT NULL,
  text VARCHAR(255) NOT NULL,
  PRIMARY KEY (id)
) {table};

-- Long work on contexts, resumable. arguments: JSON, the kind's own. state: 0 waiting, 1 running, 2 done, 3 failed,
-- 4 cancelled. step, done_units, all_units: how far it is. owner, seen: the incarnation that works on it and when it last
-- said so, ms since the epoch; epoch: from the one sequence, a new one each time somebody takes the job up. due: it waits
-- until then, ms since the epoch.
CREATE TABLE jobs (
  id BIGINT NOT NULL,
  kind VARCHAR(32) NOT NULL,
  cid BIGINT NOT NULL,
  arguments TEXT NOT NULL,
  state BIGINT NOT NULL,
  step VARCHAR(64) NOT NULL,
  done_units BIGINT NOT NULL,
  all_units BIGINT NOT NULL,
  message TEXT NOT NULL,
  cancel BIGINT NOT NULL,
  owner VARCHAR(32) NOT NULL,
  seen BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  due BIGINT NOT NULL,
  created BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  PRIMARY KEY (id)
) {table};
CREATE INDEX jobs_state ON jobs (state);
CREATE INDEX jobs_cid ON jobs (cid);

-- The part of a login behind the @.
CREATE TABLE login_mappings (
  mapping VARCHAR(255) NOT NULL,
  cid BIGINT NOT NULL,
  PRIMARY KEY (mapping)
) {table};
CREATE INDEX login_mappings_cid ON login_mappings (cid);

-- The nodes and admin daemons there should be. role: groupware or admin. seen: ms since the epoch, renewed by each;
-- incarnation: new at every start; life: the name under which it is a member of the cluster, or was last.
-- wish: what an operator wants of this life: drain, stop, restart, or "" for nothing; wish_ms: how long it may take; wish_by: who wants it.
-- stage: starting, serving, draining, drained or ending, as the process says itself; requests, streams, uploads: what it has left, while it
-- drains; trouble: why it does not serve as it should, "" for nothing.
CREATE TABLE nodes (
  name VARCHAR(64) NOT NULL,
  role VARCHAR(16) NOT NULL,
  route VARCHAR(64) NOT NULL,
  address VARCHAR(255) NOT NULL,
  program VARCHAR(64) NOT NULL,
  incarnation VARCHAR(32) NOT NULL,
  life VARCHAR(32) NOT NULL,
  started BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  cluster VARCHAR(64) NOT NULL,
  mesh VARCHAR(255) NOT NULL,
  wish VARCHAR(16) NOT NULL,
  wish_ms BIGINT NOT NULL,
  wish_by VARCHAR(128) NOT NULL,
  stage VARCHAR(16) NOT NULL,
  requests BIGINT NOT NULL,
  streams BIGINT NOT NULL,
  uploads BIGINT NOT NULL,
  trouble VARCHAR(255) NOT NULL,
  PRIMARY KEY (name)
) {table};

-- The registry of the coherence protocol: who writes, and who may answer from memory. A row a life; attempt: grows with each
-- renewal. host: where the process runs, for who can tell whether it still does; "" if nobody can.
CREATE TABLE members (
  life VARCHAR(32) NOT NULL,
  name VARCHAR(64) NOT NULL,
  host VARCHAR(128) NOT NULL,
  attempt BIGINT NOT NULL,
  PRIMARY KEY (life)
) {table};

-- Sessions about to begin, where their number in all is limited: counted from before they are stored. ends: the claim is worth
-- nothing from then on, ms since the epoch.
CREATE TABLE session_claims (
  claim VARCHAR(32) NOT NULL,
  ends BIGINT NOT NULL,
  PRIMARY KEY (claim)
) {table};

-- Failed sign-ins, counted. what: the SHA-256 of what they are counted for. kind: 1 a network, 2 an account, 3 both, 4 a known
-- device of an account. cid, uid: the account, 0 if there is none such. network: "" where it does not count. last: when the last
-- one was, ms since the epoch.
CREATE TABLE login_failures (
  what VARBINARY(32) NOT NULL,
  kind BIGINT NOT NULL,
  cid BIGINT NOT NULL,
  uid BIGINT NOT NULL,
  network VARCHAR(64) NOT NULL,
  failures BIGINT NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (what)
) {table};
CREATE INDEX login_failures_last ON login_failures (last);

-- What each web tier last said of itself and of its members (JSON), for the cluster page.
CREATE TABLE web_tiers (
  name VARCHAR(255) NOT NULL,
  seen BIGINT NOT NULL,
  status MEDIUMTEXT NOT NULL,
  PRIMARY KEY (name)
) {table};
