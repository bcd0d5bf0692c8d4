package conversation

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"reflect"
	"testing"

	"hermes/internal/model"
	"hermes/internal/store"
	"hermes/internal/volume"
)

// typedModel is a provider of events, made of one function.
type typedModel func(r model.Request, emit func(model.Event) error) error

func (typedModel) Name() string { return "typed" }
func (f typedModel) Stream(_ context.Context, r model.Request, emit func(model.Event) error) (model.Result, error) {
	return model.Result{}, f(r, emit)
}

// kept is a Sessions that also records the messages that were appended.
type kept struct {
	*store.Store
	all []store.Message
}

func (k *kept) Append(ctx context.Context, session string, msgs ...store.Message) error {
	k.all = append(k.all, msgs...)
	return k.Store.Append(ctx, session, msgs...)
}

func newTyped(t *testing.T, m typedModel) (*Conversation, *kept) {
	t.Helper()
	f := newFixture(t, nil)
	k := &kept{Store: f.store}
	return New(volume.At(filepath.Dir(f.soul)), Soul{"SOUL.md", 1 << 20}, m, k, slog.New(slog.NewTextHandler(io.Discard, nil))), k
}

func TestEventsBecomeThePartsOfTheAnswerAndThoughtsAreNotToldAgain(t *testing.T) {
	call := model.ToolCall{ID: "c1", Name: "zoom", Input: `{"by":2}`}
	events := []model.Event{model.ReasoningDelta("lost"), model.Restart{}, model.ReasoningDelta("h"), model.ReasoningDelta("m"),
		model.TextDelta("I "), model.TextDelta("look"), call, model.TextDelta("a cat")}
	var seen []model.Message
	c, k := newTyped(t, func(r model.Request, emit func(model.Event) error) error {
		seen = r.Messages
		for _, e := range events {
			if err := emit(e); err != nil {
				return err
			}
		}
		return nil
	})
	var got []model.Event
	picture := model.Message{Role: model.User, Parts: []model.Part{model.Text("see"), &model.Image{MediaType: "image/png", Data: []byte("PNG")}}}
	from := Origin{Channel: "test", Chat: "c", Thread: "t", Sender: "me", Key: "1"}
	if _, err := c.Turn(t.Context(), Request{Session: "s", Origin: from, Messages: []model.Message{picture}}, func(e model.Event) error {
		got = append(got, e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, events) {
		t.Errorf("the channel gets %#v", got)
	}
	if len(seen) != 1 || !reflect.DeepEqual(seen[0], picture) {
		t.Errorf("the model gets %#v", seen)
	}
	want := []store.Part{{Kind: store.KindReasoning, Text: "hm"}, {Kind: store.KindText, Text: "I look"},
		{Kind: store.KindToolCall, Call: "c1", Tool: "zoom", Text: `{"by":2}`}, {Kind: store.KindText, Text: "a cat"}}
	if len(k.all) != 2 || k.all[0].Origin != store.Origin(from) || k.all[1].Content != "I looka cat" || !reflect.DeepEqual(k.all[1].Parts, want) || k.all[1].Origin != (store.Origin{}) {
		t.Errorf("kept: %+v", k.all)
	}
	if _, err := c.Turn(t.Context(), ask("s", "thanks"), discard); err != nil {
		t.Fatal(err)
	}
	answer := model.Message{Role: model.Assistant, Parts: []model.Part{model.Text("I look"), call, model.Text("a cat")}}
	if want := []model.Message{picture, answer, model.TextMessage(model.User, "thanks")}; !reflect.DeepEqual(seen, want) {
		t.Errorf("the next time the model gets %#v", seen)
	}
}

func TestAnAnswerThatOnlyThoughtIsNotKept(t *testing.T) {
	broken := errors.New("broke")
	c, k := newTyped(t, func(_ model.Request, emit func(model.Event) error) error {
		emit(model.ReasoningDelta("hm"))
		return broken
	})
	if _, err := c.Turn(t.Context(), ask("s", "q"), discard); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if len(k.all) != 1 || k.all[0].Role != "user" {
		t.Errorf("kept: %+v", k.all)
	}
}

func TestAQuestionOfPartsThatIsRepeatedIsKeptOnce(t *testing.T) {
	c, k := newTyped(t, func(model.Request, func(model.Event) error) error { return errors.New("broke") })
	for _, data := range []string{"one", "one", "two"} {
		m := model.Message{Role: model.User, Parts: []model.Part{model.Text("see"), &model.Image{MediaType: "image/png", Data: []byte(data)}}}
		c.Turn(t.Context(), Request{Session: "s", Messages: []model.Message{m}}, discard)
	}
	if len(k.all) != 2 || string(k.all[1].Parts[1].Data) != "two" {
		t.Errorf("kept: %+v", k.all)
	}
}

func TestPartsOfOneMessageStayApartWhenQuestionsAreMerged(t *testing.T) {
	image := &model.Image{MediaType: "image/png"}
	got := merge([]model.Message{
		model.TextMessage(model.User, "a"),
		{Role: model.User, Parts: []model.Part{model.Text("b"), model.Text("c"), image, model.Text("d")}},
		model.TextMessage(model.User, ""),
		model.TextMessage(model.User, "e"),
	})
	want := []model.Message{{Role: model.User, Parts: []model.Part{model.Text("a\n\nb"), model.Text("c"), image, model.Text("d\n\ne")}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%#v", got)
	}
}

func TestAMessageThatIsDeliveredAgainIsKeptOnce(t *testing.T) {
	broken := errors.New("broke")
	outcome := broken
	c, k := newTyped(t, func(_ model.Request, emit func(model.Event) error) error {
		if outcome != nil {
			return outcome
		}
		return emit(model.TextDelta("yes"))
	})
	r := ask("s", "hi")
	r.Origin = Origin{Channel: "test", Chat: "c", Key: "1"}
	if _, err := c.Turn(t.Context(), r, discard); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := c.Turn(t.Context(), r, discard); !errors.Is(err, broken) {
		t.Error(err)
	}
	same := r
	same.Origin.Key = "0"
	if _, err := c.Turn(t.Context(), same, discard); !errors.Is(err, broken) || len(k.all) != 2 {
		t.Errorf("another one that says the same: %v, kept %+v", err, k.all)
	}
	r.Origin.Key = "0"
	outcome = nil
	if _, err := c.Turn(t.Context(), r, discard); err != nil {
		t.Errorf("one that was not answered: %v", err)
	}
	var unsaved *SaveError
	if _, err := c.Turn(t.Context(), r, discard); !errors.As(err, &unsaved) || !errors.Is(err, store.ErrDouble) {
		t.Errorf("one that was answered: %v", err)
	}
	if got, err := k.History(t.Context(), "s", 1<<20); err != nil || len(got) != 3 || got[2].Content != "yes" {
		t.Errorf("%+v %v", got, err)
	}
}
