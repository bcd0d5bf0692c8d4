package dashboard

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"github.com/a-h/templ"

	"hermes/internal/fleet"
	"hermes/internal/profile"
)

const (
	// freshFor is how old a row of a page may be. A row says how long ago things were; from when the page is shown, its script counts on.
	freshFor = time.Second
	// maxRows is how many rows are kept. When there are more, all are forgotten.
	maxRows = 10000
)

// rowCache keeps the HTML of rows. A row that changes is made once for all streams that send it, and a row of a page is made once a second
// for all visitors.
type rowCache struct {
	mu   sync.Mutex
	rows map[rowOf]cachedRow
}

// rowOf tells rows apart: by their profile, by the path below which the visitor finds the dashboard, for its links have it, and by whether
// they stand in a page or replace a row there.
type rowOf struct {
	profile  profile.Name
	root     string
	replaces bool
}

type cachedRow struct {
	version uint64
	control bool
	made    time.Time
	html    []byte
}

// changed returns a row that replaces the one that a page has.
func (c *rowCache) changed(ctx context.Context, g *fleet.Gateway, control bool) []byte {
	return c.get(ctx, g, control, true)
}

// row returns a row of a page.
func (c *rowCache) row(g *fleet.Gateway, control bool) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		_, err := w.Write(c.get(ctx, g, control, false))
		return err
	})
}

func (c *rowCache) get(ctx context.Context, g *fleet.Gateway, control, replaces bool) []byte {
	key := rowOf{g.Profile, at(ctx, "/"), replaces}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if have, ok := c.rows[key]; ok && have.version == g.Version && have.control == control && (replaces || now.Sub(have.made) < freshFor) {
		return have.html
	}
	var b bytes.Buffer
	_ = row(g, control, replaces).Render(context.WithoutCancel(ctx), &b) // writing to a buffer cannot fail
	if c.rows == nil || len(c.rows) >= maxRows {
		c.rows = map[rowOf]cachedRow{}
	}
	c.rows[key] = cachedRow{g.Version, control, now, b.Bytes()}
	return b.Bytes()
}
