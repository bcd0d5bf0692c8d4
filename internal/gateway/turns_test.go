package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hermes/internal/conversation"
	"hermes/internal/model"
)

type turnerFunc func()

func (f turnerFunc) Turn(context.Context, conversation.Request, func(model.Event) error) (model.Result, error) {
	f()
	return model.Result{}, nil
}

func TestMemoryGoesBackOnceAfterTheLastTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var freed atomic.Int32
		turns := newTurns(turnerFunc(func() { time.Sleep(time.Second) }))
		turns.free = func() { freed.Add(1) }
		for range 3 {
			turns.Turn(t.Context(), conversation.Request{}, nil)
			time.Sleep(time.Second)
		}
		if freed.Load() != 0 {
			t.Error("freed between turns")
		}
		time.Sleep(time.Hour)
		if freed.Load() != 1 {
			t.Errorf("freed %d times", freed.Load())
		}
		turns.close()
	})
}

// TestAfterABurstMoreIsGivenBack: the parts' leftovers too, and in several rounds, unless another turn begins.
func TestAfterABurstMoreIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var freed, calmed atomic.Int32
		turns := newTurns(turnerFunc(func() { time.Sleep(time.Second) }))
		turns.free = func() { freed.Add(1) }
		turns.calm = func() { calmed.Add(1) }
		many := func(n int) {
			for range n {
				go turns.Turn(context.Background(), conversation.Request{}, nil)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		many(burst)
		time.Sleep(time.Hour)
		if freed.Load() != 1 || calmed.Load() != 0 {
			t.Errorf("without a burst: freed %d times, calmed %d times", freed.Load(), calmed.Load())
		}
		many(burst + 1)
		time.Sleep(returnAfter + time.Millisecond)
		synctest.Wait()
		many(1) // a new turn ends the rounds of the burst, and gets its own
		time.Sleep(time.Hour)
		if freed.Load() != 3 || calmed.Load() != 1 {
			t.Errorf("after a burst with a turn behind it: freed %d times in all, calmed %d times", freed.Load(), calmed.Load())
		}
		many(burst + 1)
		time.Sleep(time.Hour)
		if freed.Load() != 3+returnRounds || calmed.Load() != 2 {
			t.Errorf("after a burst: freed %d times in all, calmed %d times", freed.Load(), calmed.Load())
		}
		many(burst + 1)
		turns.close()
		time.Sleep(time.Hour)
		if freed.Load() != 3+returnRounds || calmed.Load() != 2 {
			t.Errorf("after the end: freed %d times in all, calmed %d times", freed.Load(), calmed.Load())
		}
	})
}

func TestClosedTurnsTakeNoNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(turnerFunc(func() { time.Sleep(time.Second) }))
		go turns.Turn(context.Background(), conversation.Request{}, nil)
		synctest.Wait()
		if n := turns.close(); n != 1 {
			t.Errorf("%d active", n)
		}
		if _, err := turns.Turn(t.Context(), conversation.Request{}, nil); !errors.Is(err, conversation.ErrDraining) {
			t.Error(err)
		}
		<-turns.done
	})
}
