package service

import (
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Parallel calls f for 0 to n-1, a few calls at a time, and returns when all have.
func Parallel(n int, f func(i int)) {
	var g errgroup.Group
	g.SetLimit(2 * runtime.NumCPU())
	for i := range n {
		g.Go(func() error {
			f(i)
			return nil
		})
	}
	_ = g.Wait() // none fails
}
