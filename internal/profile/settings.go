package profile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"hermes/internal/volume"
)

// File is a text file of a profile that people edit.
type File struct {
	Text string
	// Tag is different for each content. A caller that saves passes the tag of the text that was edited.
	Tag string
}

// ChangedError reports that a file has changed since somebody began to edit it.
type ChangedError struct{ File string }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("cannot save %s: somebody else has changed it since; look at what it says now and edit that", e.File)
}

// ReadText returns a file that people edit, of at most limit bytes. A missing file is empty.
func (h Home) ReadText(name string, limit int64) (File, error) {
	data, err := h.Files().ReadFile(name, limit)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = nil, nil
	}
	if err != nil {
		return File{}, fmt.Errorf("cannot read %s: %w", h.Files().Path(name), err)
	}
	sum := sha256.Sum256(data)
	if data, err = PlainText(h.Files().Path(name), data); err != nil {
		return File{}, err
	}
	return File{string(data), hex.EncodeToString(sum[:8])}, nil
}

// ReadSoul returns SOUL.md.
func (h Home) ReadSoul() (File, error) { return h.ReadText(SoulName, MaxFile) }

// SaveSoul replaces SOUL.md if tag still stands for its content. It keeps the old file as SOUL.md.bak.
func (h Home) SaveSoul(ctx context.Context, text, tag string) error {
	return h.SaveText(ctx, SoulName, MaxFile, text, tag, func(_, text string) (string, error) { return text, nil })
}

// SaveText replaces a file if tag still stands for its content. check gets the present text and the new text; it returns the text to
// write, or an error. SaveText keeps the old file beside the new one, as .bak.
func (h Home) SaveText(ctx context.Context, name string, limit int64, text, tag string, check func(before, text string) (string, error)) error {
	path := h.Files().Path(name)
	unlock, err := h.LockSettings(ctx)
	if err != nil {
		return fmt.Errorf("cannot save %s: %w", path, err)
	}
	defer unlock()
	before, err := h.ReadText(name, limit)
	if err != nil {
		return err
	}
	if before.Tag != tag {
		return &ChangedError{path}
	}
	text = strings.ReplaceAll(text, "\r\n", "\n") // browsers send \r\n
	if int64(len(text)) > limit {
		return fmt.Errorf("cannot save %s: %w: at most %d kB", path, volume.ErrTooLarge, limit>>10)
	}
	if text, err = check(before.Text, text); err != nil {
		return err
	}
	if text == before.Text {
		return nil
	}
	if before.Text != "" {
		if err := h.Files().WriteFile(name+".bak", []byte(before.Text), 0o600); err != nil {
			return fmt.Errorf("cannot keep a copy of %s: %w", path, err)
		}
	}
	if err := h.Files().WriteFile(name, []byte(text), 0o600); err != nil {
		return fmt.Errorf("cannot save %s: %w", path, err)
	}
	return nil
}

// LockSettings waits until no other process changes config.yaml, SOUL.md, .env or hermes.env. Every writer of these files holds the
// lock from reading the file until it is written. The lock's file exists only while the lock is held, so that the home keeps no
// trace of it.
func (h Home) LockSettings(ctx context.Context) (unlock func(), err error) {
	lock, err := h.Files().WaitLock(ctx, settingsLockName)
	if err != nil {
		return nil, err
	}
	return func() {
		_ = h.Files().Remove(settingsLockName) // before unlocking: the next holder checks that the file is still in its place
		lock.Unlock()
	}, nil
}
