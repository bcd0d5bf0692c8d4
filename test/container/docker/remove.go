package docker

import (
	"fmt"
	"io"
	"os/exec"
)

// remover waits until its standard input ends. That happens when the process at the other end has ended, in whatever way. Then it
// removes things in three rounds, because docker may still be creating some. It ignores signals such as that of Ctrl-C, which end
// the tests.
const remover = `trap '' INT HUP TERM QUIT
cat >/dev/null
prefix=$1
shift
for round in 1 2 3; do
	found=
	for c in $(docker ps -aq --filter "name=^/?$prefix"); do found=1; docker rm -fv "$c"; done
	for v in $(docker volume ls -q --filter "name=^$prefix"); do found=1; docker volume rm -f "$v"; done
	for i in $(docker image ls --format '{{.Repository}}:{{.Tag}}' --filter "reference=$prefix*"); do found=1; docker image rm -f "$i"; done
	[ -n "$found" ] || break
	[ "$round" = 3 ] || sleep 1
done >/dev/null 2>&1
rm -rf -- "$@"
`

// RemoveAfter starts a process that outlives this one. When this process ends, even by SIGKILL, that process removes the containers
// with their anonymous volumes, the volumes and the images whose names begin with prefix, and these files. done makes it do that
// now, and waits for it.
func RemoveAfter(prefix string, files ...string) (done func() error, err error) {
	cmd := exec.Command("sh", append([]string{"-c", remover, "sh", prefix}, files...)...)
	var in io.WriteCloser
	if in, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start what cleans up after the tests: %w", err)
	}
	return func() error {
		in.Close()
		return cmd.Wait()
	}, nil
}
