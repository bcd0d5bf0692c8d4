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
	// freshFor is how old a row of a page may be: it says how long ago things were. Scripts count on from there.
	freshFor = time.Second
	// maxRows bounds what is kept.
	maxRows = 10000
)

// rowCache keeps rows as they are sent: what a thousand streams send is made once, and what all visitors of a second see.
type rowCache struct {
	mu   sync.Mutex
	rows map[rowOf]cachedRow
}

// rowOf is which row, for visitors who find the dashboard where, and whether it stands in a page or replaces one there.
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
	_ = row(g, control, replaces).Render(context.WithoutCancel(ctx), &b) // a buffer takes everything
	if c.rows == nil || len(c.rows) >= maxRows {
		c.rows = map[rowOf]cachedRow{}
	}
	c.rows[key] = cachedRow{g.Version, control, now, b.Bytes()}
	return b.Bytes()
}
