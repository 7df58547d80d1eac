PRAGMA journal_mode = WAL;
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT UNIQUE, weight REAL, kind INTEGER, body BLOB);
CREATE INDEX item_kind ON item(kind, weight);
CREATE TABLE total(kind INTEGER PRIMARY KEY, amount REAL);
CREATE TRIGGER adding AFTER INSERT ON item BEGIN
    INSERT INTO total VALUES (new.kind, new.weight) ON CONFLICT(kind) DO UPDATE SET amount = amount + new.weight;
END;
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO item SELECT i, printf('item %06d', i * 7919 % 20011), (i * 7919 % 10007) / 8.0, i % 37, zeroblob(i % 300) FROM n;
COMMIT;
.mode list
SELECT 'same count', count(*), sum(weight), avg(weight), total(length(body)) FROM item;
SELECT 'same trigger', sum(amount), max(amount), count(*) FROM total;
SELECT 'same group', kind, count(*), sum(weight), min(name), max(name) FROM item GROUP BY kind HAVING count(*) > 540 ORDER BY 4 DESC, 2 LIMIT 5;
SELECT 'same join', count(*), sum(a.weight * b.weight) FROM item a JOIN item b ON a.id = b.id + 37 AND a.kind = b.kind WHERE b.id < 5000;
SELECT 'same window', id, s FROM (SELECT id, sum(weight) OVER (PARTITION BY kind ORDER BY id ROWS 10 PRECEDING) AS s FROM item) WHERE id % 3331 = 0 ORDER BY id;
SELECT 'same text', group_concat(hex(name) || '/' || round(weight, 1), ',') FROM (SELECT name, weight FROM item WHERE name LIKE '%99%' ORDER BY name LIMIT 30);
BEGIN; DELETE FROM item WHERE kind = 5; UPDATE item SET weight = -weight WHERE kind = 6; ROLLBACK;
BEGIN; DELETE FROM item WHERE id % 3 = 0; UPDATE item SET name = name || '!' WHERE id % 5 = 0; COMMIT;
VACUUM;
PRAGMA integrity_check;
PRAGMA foreign_key_check;
SELECT 'same after', count(*), sum(weight), sum(id), sum(length(name)) FROM item;
WITH RECURSIVE x(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM x LIMIT 80) SELECT 'same fibonacci', max(a), sum(a * 1.0) FROM x;
PRAGMA wal_checkpoint(TRUNCATE);
