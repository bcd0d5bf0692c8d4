package service

import (
	"runtime"
	"sync"
)

// Parallel calls f for 0 to n-1, a few calls at a time, and returns when all have.
func Parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2*runtime.NumCPU())
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wg.Wait()
}
