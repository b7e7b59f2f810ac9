-- The control plane's state: see dev.tenon.spi.store. One script for both dialects; what differs is a placeholder:
--   text       text compared byte by byte, so that both stores order and page alike
--   long       a 64-bit integer that SQLite may use as the row's own number
--   clustered  keeps a small table's rows in its primary key, where the dialect has that
-- Times are microseconds since 1970 by the store's clock.

CREATE TABLE tenon_document (
    kind ${text} NOT NULL,
    id ${text} NOT NULL,
    tenant ${text} NOT NULL,
    parent ${text} NOT NULL,
    state ${text} NOT NULL,
    shard INTEGER NOT NULL,
    version BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX tenon_document_newest ON tenon_document (kind, created_us DESC, id);
CREATE INDEX tenon_document_tenant ON tenon_document (kind, tenant, created_us DESC, id);
CREATE INDEX tenon_document_parent ON tenon_document (kind, parent, created_us DESC, id) WHERE parent <> '';
CREATE INDEX tenon_document_state ON tenon_document (kind, state, id);

CREATE TABLE tenon_claim (
    scope ${text} NOT NULL,
    name ${text} NOT NULL,
    owner ${text} NOT NULL,
    PRIMARY KEY (scope, name)
) ${clustered};

CREATE TABLE tenon_counter (
    scope ${text} NOT NULL,
    name ${text} NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
) ${clustered};

CREATE TABLE tenon_lease (
    name ${text} NOT NULL PRIMARY KEY,
    holder ${text} NOT NULL,
    epoch BIGINT NOT NULL,
    until_us BIGINT NOT NULL
) ${clustered};

CREATE TABLE tenon_event (
    sequence ${long} NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL,
    tenant ${text} NOT NULL,
    subject ${text} NOT NULL,
    type ${text} NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX tenon_event_tenant ON tenon_event (tenant, sequence);
CREATE INDEX tenon_event_subject ON tenon_event (subject, sequence);

-- The last number given to an event. A row that is updated in the transaction that appends, not a database sequence: whoever
-- updates it holds it until its commit is visible, so numbers become visible in their order.
CREATE TABLE tenon_event_sequence (
    id INTEGER NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO tenon_event_sequence (id, last) VALUES (1, 0);
