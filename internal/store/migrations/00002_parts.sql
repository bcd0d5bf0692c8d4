-- +goose Up
-- What is new lies in tables of its own: SQLite reads a whole STRICT table to add a column to it, and messages may be large.

-- What a message is made of, where it is more than one text. kind is text, image, tool_call, tool_result or reasoning; another version
-- may know more. text is the words, a call's input or a result's output. It is NULL in a message's only text: that is content.
-- size is how many bytes a history needs of it beside content.
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

-- With the size, so that a history sums up sizes without reading what a model thought.
CREATE UNIQUE INDEX parts_by_message ON parts (message, position, size);

-- Where a message came from, as far as that is known. message_key is the channel's name for it: a chat has none twice.
CREATE TABLE origins (
    message     INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    channel     TEXT NOT NULL,
    chat        TEXT NOT NULL DEFAULT '',
    thread      TEXT NOT NULL DEFAULT '',
    sender      TEXT NOT NULL DEFAULT '',
    message_key TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE UNIQUE INDEX origins_by_key ON origins (channel, chat, message_key) WHERE message_key <> '';
