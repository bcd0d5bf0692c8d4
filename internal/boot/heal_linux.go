package boot

import (
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"hermes/internal/volume"
)

// looked are the directories of the root home that are looked into, and how many levels deep: profiles/coder/.env,
// logs/gateways/coder/current. A root process may have written something in them without touching their top.
var looked = map[string]int{"profiles": 2, "logs": 3}

// Heal gives a volume to the runtime user (M15). It looks at the root home, each profile's home and the log directories, and at what
// lies directly in them. If the owner of one of these is wrong, it changes the owner of that one and of everything below it. It does
// not walk trees whose top has the right owner. It leaves mounts on the volume alone and returns them.
func Heal(root string, uid, gid int) (volume.Healed, error) {
	above, name := volume.Split(root)
	if info, err := above.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return volume.Healed{}, &fs.PathError{Op: "open", Path: root, Err: unix.ELOOP}
	}
	return volume.At(root).Heal(uid, gid, looked)
}

// leftAlone returns a line about the mounts whose owner was not changed, or "" if there are none.
func leftAlone(h volume.Healed, uid int) string {
	const most = 5
	if len(h.LeftAlone) == 0 {
		return ""
	}
	list := strings.Join(h.LeftAlone[:min(most, len(h.LeftAlone))], ", ")
	if more := len(h.LeftAlone) - most; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("left alone, because it is mounted from elsewhere: %s; if gateways are to write there, give it to uid %d where it comes from", list, uid)
}
