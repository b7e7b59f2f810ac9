-- What Flyway would leave in an empty SQLite file after a baseline at ${version}: its own table, word for word, and the marker
-- that scripts up to this version need not run. A new file gets its schema without Flyway, whose start costs a new user more
-- than everything else the store does; the next migration finds a history it knows.
CREATE TABLE "tenon_schema_history" (
    "installed_rank" INT NOT NULL PRIMARY KEY,
    "version" VARCHAR(50),
    "description" VARCHAR(200) NOT NULL,
    "type" VARCHAR(20) NOT NULL,
    "script" VARCHAR(1000) NOT NULL,
    "checksum" INT,
    "installed_by" VARCHAR(100) NOT NULL,
    "installed_on" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now')),
    "execution_time" INT NOT NULL,
    "success" BOOLEAN NOT NULL
);
CREATE INDEX "tenon_schema_history_s_idx" ON "tenon_schema_history" ("success");
INSERT INTO "tenon_schema_history"
    ("installed_rank", "version", "description", "type", "script", "checksum", "installed_by", "execution_time", "success")
VALUES (1, '${version}', 'made at this version', 'BASELINE', 'made at this version', NULL, '', 0, 1);
