-- Two contexts alike, for MariaDB (its SEQUENCE engine counts): 4,000 folders, 20 below each parent; 8,000 files, 10 in each
-- folder of the first 800; 4,000 users with a session each; tombstones and locks.
CREATE TEMPORARY TABLE n (cid BIGINT, id BIGINT);
INSERT INTO n SELECT c.seq, s.seq FROM seq_1_to_2 c JOIN seq_100_to_4099 s;
INSERT INTO folders SELECT cid, id, IF(id < 120, 10, 100 + (id - 120) DIV 20), CONCAT('f', id), 8, 2, 0, 0, 3, 0, 3, id FROM n;
INSERT INTO folder_permissions SELECT cid, id, 6, 403710016, 1, IF(id < 120, 10, 100 + (id - 120) DIV 20) FROM n;
INSERT INTO folder_permissions SELECT cid, id, 2 * id, 403710016, 1, IF(id < 120, 10, 100 + (id - 120) DIV 20) FROM n;
INSERT INTO folder_tombstones SELECT cid, 100 + id MOD 20, id + 10000, id, 0 FROM n;
INSERT INTO permission_tombstones SELECT cid, id, 6, 0, 8, id FROM n;
INSERT INTO permission_tombstones SELECT cid, id, 2 * id, id, 8, id FROM n;
INSERT INTO users SELECT cid, id, CONCAT('u', id), CONCAT('U', id), '', '', '', '', 'en_US', '', 1, -1, 0 FROM n;
INSERT INTO group_members SELECT cid, 10, id FROM n;
INSERT INTO member_tombstones SELECT cid, id, 11, id FROM n;
INSERT INTO sessions SELECT cid, LPAD(id, 32, '0'), id, '', REPEAT('x', 32), REPEAT('x', 32), REPEAT('x', 32), REPEAT('x', 32),
  REPEAT('x', 32), REPEAT('x', 32), '', '', '', 0, 0, 0, 0, '' FROM n;
INSERT INTO files SELECT cid, id * 2 + k.seq, 100 + (id - 100) DIV 5, CONCAT('n', id * 2 + k.seq), 't', 'd', '', 1, 1, 3, 0, 3, id
    FROM n JOIN seq_0_to_1 k;
INSERT INTO file_versions SELECT cid, id, 1, name, '', 1, '', '', CONCAT('k', id), '', 3, 0 FROM files;
INSERT INTO file_tombstones SELECT cid, 100 + id MOD 20, id + 100000, id FROM n;
INSERT INTO dav_locks SELECT cid, CONCAT('t', id), 0, id * 2, 3, 0, 0, '', 9 FROM n;
ANALYZE TABLE folders, folder_permissions, folder_tombstones, permission_tombstones, users, group_members, member_tombstones,
    sessions, files, file_versions, file_tombstones, dav_locks;
