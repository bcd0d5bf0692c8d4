package logs

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hermes/internal/profile"
	"hermes/internal/volume"
)

// threeFiles writes a log of 30 lines: two archives and current.
func threeFiles(h home, name string) {
	h.write(name, archive(minute(10)), minutes(0, 10))
	h.write(name, archive(minute(20)), minutes(10, 20))
	h.write(name, currentName, minutes(20, 30))
	h.write(name, "state", "")
	h.write(name, "lock", "")
	h.write(name, "other", "not ours\n")
}

func TestLastLinesGoAcrossArchives(t *testing.T) {
	h := newHome(t)
	threeFiles(h, "coder")
	for _, n := range []int{0, 1, 9, 10, 11, 20, 25, 30, 31, 1000} {
		got := h.read(h.one("coder"), Query{Last: n})
		if want := numbers(max(0, 30-n), 30); !slices.Equal(got, want) {
			t.Errorf("last %d: got %q, want %q", n, got, want)
		}
	}
	if got := h.read(h.one("coder"), Query{Last: -1}); !slices.Equal(got, numbers(0, 30)) {
		t.Errorf("all: got %q", got)
	}
}

func TestSinceLeavesOutWhatIsOlder(t *testing.T) {
	h := newHome(t)
	threeFiles(h, "coder")
	for _, c := range []struct {
		since    time.Time
		last     int
		from, to int
	}{
		{minute(-5), -1, 0, 30},
		{minute(0), -1, 0, 30},
		{minute(7), -1, 7, 30},
		{minute(10), -1, 10, 30},
		{minute(15).Add(time.Second), -1, 16, 30},
		{minute(29), -1, 29, 30},
		{minute(31), -1, 30, 30},
		{minute(7), 5, 25, 30},
		{minute(27), 5, 27, 30},
		{minute(12), 18, 12, 30},
		{minute(12), 0, 30, 30},
	} {
		got := h.read(h.one("coder"), Query{Since: c.since, Last: c.last})
		if want := numbers(c.from, c.to); !slices.Equal(got, want) {
			t.Errorf("since %s, last %d: got %q, want %q", c.since.Format(time.TimeOnly), c.last, got, want)
		}
	}
}

func TestAllMergesByTime(t *testing.T) {
	h := newHome(t)
	h.write("a", currentName, stamped(minute(1), "a1")+stamped(minute(4), "a4")+"a without time\n"+stamped(minute(6), "a6"))
	h.write("b", archive(minute(3)), stamped(minute(2), "b2"))
	h.write("b", currentName, stamped(minute(5), "b5"))
	h.write("Not A Profile", currentName, stamped(minute(5), "x"))
	want := []string{"a:a1", "b:b2", "a:a4", "a:a without time", "b:b5", "a:a6"}
	if got := h.read(h.all(), Query{Last: -1}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := h.read(h.all(), Query{Last: 3}); !slices.Equal(got, want[3:]) {
		t.Errorf("last 3 of all: got %q, want %q", got, want[3:])
	}
	if got := h.read(h.all(), Query{Last: 0}); len(got) != 0 {
		t.Errorf("last 0 of all: got %q", got)
	}
}

func TestLastOfManyLinesKeepsTheLast(t *testing.T) {
	h := newHome(t)
	h.write("a", currentName, minutes(0, 3000))
	h.write("b", currentName, minutes(3000, 3001))
	got := h.read(h.all(), Query{Last: 700})
	if len(got) != 700 || got[0] != "a:line 2301" || got[699] != "b:line 3000" {
		t.Errorf("got %d lines from %q to %q", len(got), got[0], got[len(got)-1])
	}
}

func TestNoLogIsSaid(t *testing.T) {
	h := newHome(t)
	for _, p := range []Place{h.one("coder"), h.all()} {
		err := Read(p, Query{Last: 10}, nil, nil)
		if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), p.Dir()) {
			t.Errorf("all %v: got %v", p.All, err)
		}
	}
	h.write("coder", "lock", "")
	if err := Read(h.one("coder"), Query{Last: 10}, nil, nil); !errors.Is(err, ErrNone) {
		t.Errorf("empty directory: got %v", err)
	}
	h.write("coder", currentName, "")
	if got := h.read(h.one("coder"), Query{Last: 10}); len(got) != 0 {
		t.Errorf("empty log: got %q", got)
	}
}

func TestHugeAndBinaryLinesAreBounded(t *testing.T) {
	h := newHome(t)
	huge := strings.Repeat("x", 3*maxLine)
	h.write("coder", currentName, stamped(minute(1), huge)+"\x00\x01\xff\n\n"+stamped(minute(2), "end")+"unfinished")
	got := h.read(h.one("coder"), Query{Last: -1})
	if len(got) != 5 || len(got[0]) > maxLine || got[1] != "\x00\x01\xff" || got[2] != "" || got[3] != "end" || got[4] != "unfinished" {
		t.Fatalf("got %d lines, the first of %d bytes, then %q", len(got), len(got[0]), got[1:])
	}
	if got := h.read(h.one("coder"), Query{Last: 2}); !slices.Equal(got, []string{"end", "unfinished"}) {
		t.Errorf("last 2: got %q", got)
	}
}

func TestAGiantFileIsReadAtItsEndOnly(t *testing.T) {
	h := newHome(t)
	h.write("coder", currentName, "")
	path := filepath.Join(h.dir("coder"), currentName)
	if err := os.Truncate(path, 1<<40); err != nil { // a sparse file
		t.Skip("no sparse files here")
	}
	h.append("coder", "\n"+stamped(minute(1), "end"))
	if got := h.read(h.one("coder"), Query{Last: 1}); !slices.Equal(got, []string{"end"}) {
		t.Errorf("got %q", got)
	}
	got := h.read(h.one("coder"), Query{Last: 10})
	if len(got) != 2 || got[1] != "end" {
		t.Errorf("got %d lines", len(got))
	}
}

func TestOneBadDirectoryDoesNotHideTheOthers(t *testing.T) {
	h := newHome(t)
	h.write("good", currentName, stamped(minute(1), "fine"))
	h.write("bad", "x", "")
	if err := os.Mkdir(filepath.Join(h.dir("bad"), currentName), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.dir("file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	h.link("linked", h.dir("good"))
	var got, warned []string
	err := Read(h.all(), Query{Last: 10}, collect(&got, true), func(n profile.Name, _ error) { warned = append(warned, n.String()) })
	if err != nil || !slices.Equal(got, []string{"good:fine"}) || !slices.Equal(warned, []string{"bad", "file", "linked"}) {
		t.Errorf("got %q, warnings about %q, %v", got, warned, err)
	}
	if err := Read(h.one("bad"), Query{Last: 1}, collect(&got, false), nil); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a single bad log: got %v", err)
	}
}

func (h home) link(name, target string) {
	h.t.Helper()
	if err := os.Symlink(target, h.dir(name)); err != nil {
		h.t.Skip("no symbolic links here")
	}
}

func TestASinkThatFailsEndsTheReading(t *testing.T) {
	h := newHome(t)
	threeFiles(h, "coder")
	err := Read(h.one("coder"), Query{Last: -1}, func([]Line) error { return io.ErrClosedPipe }, nil)
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func TestLastSinceLeavesOutEarlierLines(t *testing.T) {
	h := newHome(t)
	threeFiles(h, "coder")
	for since, want := range map[time.Time]int{{}: 12, minute(27): 3, minute(29).Add(time.Nanosecond): 0} {
		got, err := LastSince(volume.At(h.dir("coder")), 12, since, nil)
		if err != nil || len(got) != want {
			t.Errorf("since %s: got %v, %v", since, got, err)
		}
	}
}

func TestLastReturnsTheLastLines(t *testing.T) {
	h := newHome(t)
	threeFiles(h, "coder")
	got, err := Last(volume.At(h.dir("coder")), 12, nil)
	if err != nil || len(got) != 12 || got[11].Raw()+"\n" != stamped(minute(29), "line 29") {
		t.Errorf("got %v, %v", got, err)
	}
}
