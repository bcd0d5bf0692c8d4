-- +goose Up
CREATE TABLE sessions (
    id      TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- interrupted is 1 for an answer that was broken off by its client or its model.
CREATE TABLE messages (
    id          INTEGER PRIMARY KEY,
    session     TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    role        TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    content     TEXT NOT NULL,
    interrupted INTEGER NOT NULL DEFAULT 0,
    created     INTEGER NOT NULL
) STRICT;

CREATE INDEX messages_by_session ON messages (session, id);
