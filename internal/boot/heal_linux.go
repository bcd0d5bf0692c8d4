package boot

import (
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"hermes/internal/volume"
)

// looked names the directories of the root home that are looked into, and how deep: profiles/coder/.env,
// logs/gateways/coder/current. What they hold may have been written by a root process that had no reason to
// touch their top.
var looked = map[string]int{"profiles": 2, "logs": 3}

// Heal gives a volume to the runtime user (M15). It looks at the root home, at each profile's home and
// at the log directories, and at what lies directly in them; whatever there belongs to somebody else
// is given over with all that is below it. Trees whose top is right are not walked. What is mounted on the volume is
// left alone, and named in what is returned.
func Heal(root string, uid, gid int) (volume.Healed, error) {
	above, name := volume.Split(root)
	if info, err := above.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return volume.Healed{}, &fs.PathError{Op: "open", Path: root, Err: unix.ELOOP}
	}
	return volume.At(root).Heal(uid, gid, looked)
}

// leftAlone says in a line which mounts were not given to anybody; "" if there are none.
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
