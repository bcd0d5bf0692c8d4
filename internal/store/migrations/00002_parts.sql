-- +goose Up
-- The new data gets tables of its own: to add a column to a STRICT table, SQLite reads the whole table, and messages may be large.

-- The parts of a message, if it is more than one text. kind is text, image, tool_call, tool_result or reasoning; another version may
-- know more. text is the text, the input of a call or the output of a result. It is NULL if it equals the message's content.
-- size is how many bytes the part adds to a history, beyond the content.
CREATE TABLE parts (
    message    INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    size       INTEGER NOT NULL,
    text       TEXT,
    media_type TEXT NOT NULL DEFAULT '',
    data       BLOB,
    call       TEXT NOT NULL DEFAULT '',
    tool       TEXT NOT NULL DEFAULT '',
    failed     INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The index has the size, so that History can add up sizes without reading the reasoning.
CREATE UNIQUE INDEX parts_by_message ON parts (message, position, size);

-- Where a message came from, as far as that is known. message_key is the channel's key for it; no two messages of a chat have the same.
CREATE TABLE origins (
    message     INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    channel     TEXT NOT NULL,
    chat        TEXT NOT NULL DEFAULT '',
    thread      TEXT NOT NULL DEFAULT '',
    sender      TEXT NOT NULL DEFAULT '',
    message_key TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE UNIQUE INDEX origins_by_key ON origins (channel, chat, message_key) WHERE message_key <> '';
