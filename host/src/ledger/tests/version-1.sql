CREATE TABLE exchanges (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    route TEXT NOT NULL,
    target TEXT NOT NULL,
    model TEXT NOT NULL,
    status INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    tokens_input INTEGER NOT NULL,
    tokens_output INTEGER NOT NULL,
    tokens_cache_read INTEGER NOT NULL,
    tokens_cache_write INTEGER NOT NULL,
    tokens_reasoning INTEGER NOT NULL,
    cost_nano_usd INTEGER,
    attempts INTEGER NOT NULL,
    cache TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    ttft_us INTEGER,
    flags TEXT
) STRICT;
CREATE INDEX exchanges_by_tenant ON exchanges (tenant, started_ms);
CREATE TABLE totals (
    tenant TEXT PRIMARY KEY,
    requests INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    tokens_input INTEGER NOT NULL,
    tokens_output INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
INSERT INTO exchanges VALUES (1, 'old', 'acme', 'web', 'smart', 'openai/gpt-4o', 'gpt-4o', 200, 'answered', 10, 5, 0, 0, 0,
    75000, 1, 'none', 1700000000123, 40000, NULL, NULL);
INSERT INTO totals VALUES ('acme', 1, 0, 10, 5, 75000);
