package volume

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// sameMount reports whether two descriptors are in the same mount, according to proc(5). Comparing device numbers is not enough,
// because a bind mount has the device number of what it shows.
func sameMount(a, b int) (bool, error) {
	x, err := mountID(a)
	if err != nil {
		return false, err
	}
	y, err := mountID(b)
	return x == y, err
}

func mountID(fd int) (string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return "", fmt.Errorf("cannot tell what is a mount: %w", err)
	}
	for line := range bytes.Lines(data) {
		if id, ok := bytes.CutPrefix(line, []byte("mnt_id:")); ok {
			return string(bytes.TrimSpace(id)), nil
		}
	}
	return "", errors.New("cannot tell what is a mount: the kernel does not say")
}

// isMountRoot reports whether an open file is a mount itself. Before Linux 5.8 the kernel does not tell, and it returns false.
func isMountRoot(fd int) bool {
	var st unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_TYPE, &st)
	return err == nil && st.Attributes&st.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0
}

// reserve makes sure that an open file can grow to a size (fallocate(2)), if the file system can do that. The file's size does not
// change.
func reserve(fd int, size int64) error {
	if size == 0 {
		return nil
	}
	_, err := ignoringEINTR(func() (int, error) { return 0, unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, size) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}
