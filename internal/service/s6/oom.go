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
	// tallyFile is the file in the slot in which s6-supervise records how runs ended (s6-svdt).
	tallyFile = "supervise/death_tally"
	// oomNote is the file in the slot that names the last death for want of memory, by its stamp.
	oomNote = "data/oom"
	// oomFile is the file in the scan directory with the number of the kernel's kills that have been explained, for all slots.
	oomFile     = ".oom-kills"
	oomLockFile = ".oom-kills.lock"
	// oomLockWait is how long to wait for other processes, which read a file and write one.
	oomLockWait = time.Second
)

// stamp names a death by the time that s6 gave it.
func stamp(d service.Death) string { return strconv.FormatInt(d.Time.UnixNano(), 10) }

// countOOM records how many processes the kernel had killed before there were services.
func (s Slots) countOOM() {
	scandir := volume.At(s.Dir)
	if _, err := scandir.Lstat(oomFile); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if kills, ok := service.OOMKills(); ok {
		_ = writeOOM(scandir, service.OOM{Explained: kills}) // if this fails, kills are reported without their cause
	}
}

func writeOOM(scandir volume.Dir, o service.OOM) error {
	return scandir.WriteFile(oomFile, []byte(strconv.FormatUint(o.Explained, 10)+"\n"), 0o644)
}

// noteOOM finds out whether the last death in a slot was for want of memory, and records that.
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
		return // the number of earlier kills is unknown
	}
	var o service.OOM
	if o.Explained, err = strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64); err != nil {
		return
	}
	before := o
	if o.Explain(d, kills, ok) {
		_ = slot.WriteFile(oomNote, []byte(stamp(d)), 0o644) // if this fails, the kill is reported without its cause
	}
	if o != before {
		_ = writeOOM(scandir, o)
	}
}
