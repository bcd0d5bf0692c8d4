package s6

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hermes/internal/service"
	"hermes/internal/volume"
)

const (
	// tallyFile is where s6-supervise keeps how runs ended, in the slot (s6-svdt).
	tallyFile = "supervise/death_tally"
	// oomNote, in the slot, names the death that was for want of memory, if the last kill was: its stamp.
	oomNote = "data/oom"
	// oomFile, in the scan directory, says how many of the kernel's kills are explained, for all slots.
	oomFile     = ".oom-kills"
	oomLockFile = ".oom-kills.lock"
	// oomLockWait is how long the others may take, which read a file and write one.
	oomLockWait = time.Second
)

// stamp names a death by the time that s6 gave it.
func stamp(d service.Death) string { return strconv.FormatInt(d.Time.UnixNano(), 10) }

// countOOM notes how many processes the kernel has killed before there were services.
func (s Slots) countOOM() {
	scandir := volume.At(s.Dir)
	if _, err := scandir.Lstat(oomFile); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if kills, ok := service.OOMKills(); ok {
		_ = writeOOM(scandir, service.OOM{Explained: kills}) // without it the first kill is told without its cause
	}
}

func writeOOM(scandir volume.Dir, o service.OOM) error {
	return scandir.WriteFile(oomFile, []byte(strconv.FormatUint(o.Explained, 10)+"\n"), 0o644)
}

// noteOOM finds out whether the last death in a slot was for want of memory, and notes it.
func noteOOM(ctx context.Context, slot volume.Dir, d service.Death) {
	kills, ok := service.OOMKills()
	if !ok {
		return
	}
	path, err := filepath.Abs(slot.Path("."))
	if err != nil {
		return
	}
	scandir, _ := volume.Split(path)
	ctx, cancel := context.WithTimeout(ctx, oomLockWait)
	defer cancel()
	lock, err := scandir.WaitLock(ctx, oomLockFile)
	if err != nil {
		return
	}
	defer lock.Unlock()
	data, err := scandir.ReadFile(oomFile, 64)
	if err != nil {
		return // nobody knows what was before
	}
	var o service.OOM
	if o.Explained, err = strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64); err != nil {
		return
	}
	before := o
	if o.Explain(d, kills, ok) {
		_ = slot.WriteFile(oomNote, []byte(stamp(d)), 0o644) // without it the kill is told without its cause
	}
	if o != before {
		_ = writeOOM(scandir, o)
	}
}
