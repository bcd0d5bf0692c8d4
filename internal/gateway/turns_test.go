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
