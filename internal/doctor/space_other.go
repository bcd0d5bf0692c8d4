//go:build !linux && !darwin

package doctor

import "hermes/internal/volume"

func free(volume.Dir) (bytes, files uint64, ok bool) { return 0, 0, false }
