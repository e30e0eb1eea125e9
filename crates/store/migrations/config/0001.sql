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

-- Databases that hold contexts. A replica names its master; a master names 0.
CREATE TABLE db_servers (
  id BIGINT NOT NULL,
  name VARCHAR(255) NOT NULL,
  url VARCHAR(255) NOT NULL,
  master BIGINT NOT NULL,
  weight BIGINT NOT NULL,
  contexts_max BIGINT NOT NULL,
  PRIMARY KEY (id)
) {table};
CREATE UNIQUE INDEX db_servers_name ON db_servers (name);

-- size: bytes the operator gives the store, all contexts together.
CREATE TABLE filestores (
  id BIGINT NOT NULL,
  url VARCHAR(255) NOT NULL,
  size BIGINT NOT NULL,
  contexts_max BIGINT NOT NULL,
  PRIMARY KEY (id)
) {table};
CREATE UNIQUE INDEX filestores_url ON filestores (url);

-- quota: bytes, negative for none.
CREATE TABLE contexts (
  cid BIGINT NOT NULL,
  name VARCHAR(255) NOT NULL,
  enabled BIGINT NOT NULL,
  server BIGINT NOT NULL,
  database_id BIGINT NOT NULL,
  filestore BIGINT NOT NULL,
  quota BIGINT NOT NULL,
  PRIMARY KEY (cid)
) {table};
CREATE UNIQUE INDEX contexts_name ON contexts (name);

-- The part of a login behind the @.
CREATE TABLE login_mappings (
  mapping VARCHAR(255) NOT NULL,
  cid BIGINT NOT NULL,
  PRIMARY KEY (mapping)
) {table};
CREATE INDEX login_mappings_cid ON login_mappings (cid);

-- The nodes there should be. seen: ms since the epoch, renewed by each node; incarnation: new at every start.
CREATE TABLE members (
  name VARCHAR(64) NOT NULL,
  route VARCHAR(64) NOT NULL,
  address VARCHAR(255) NOT NULL,
  program VARCHAR(64) NOT NULL,
  incarnation VARCHAR(32) NOT NULL,
  started BIGINT NOT NULL,
  seen BIGINT NOT NULL,
  PRIMARY KEY (name)
) {table};

-- What each web tier last said of itself and of its members (JSON), for the cluster page.
CREATE TABLE web_tiers (
  name VARCHAR(255) NOT NULL,
  seen BIGINT NOT NULL,
  status MEDIUMTEXT NOT NULL,
  PRIMARY KEY (name)
) {table};
