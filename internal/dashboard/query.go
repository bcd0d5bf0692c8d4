package dashboard

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hermes/internal/fleet"
)

// perPage is how many gateways a page of the overview shows. A thousand of them would be a megabyte.
const perPage = 100

// query says which gateways the overview shows, and in which order.
type query struct {
	Text  string // part of a profile's name, or of the reason why its gateway ended
	State string // "" for all
	Sort  string
	Page  int // from 1
}

// sortings are the orders of the overview.
var sortings = []struct{ Key, Label string }{
	{"name", "Name"}, {"state", "State"}, {"uptime", "Uptime"}, {"restarts", "Restarts"}, {"memory", "Memory"},
}

func parseQuery(v url.Values) query {
	q := query{Text: strings.ToLower(strings.TrimSpace(v.Get("q"))), State: v.Get("state"), Sort: v.Get("sort"), Page: 1}
	if len(q.Text) > 200 {
		q.Text = q.Text[:200]
	}
	if !slices.Contains(states, q.State) {
		q.State = ""
	}
	if !slices.ContainsFunc(sortings, func(s struct{ Key, Label string }) bool { return s.Key == q.Sort }) {
		q.Sort = "name"
	}
	if n, err := strconv.Atoi(v.Get("page")); err == nil && n > 1 && n < 1e6 {
		q.Page = n
	}
	return q
}

// values returns what parseQuery reads.
func (q query) values() url.Values {
	v := url.Values{}
	if q.Text != "" {
		v.Set("q", q.Text)
	}
	if q.State != "" {
		v.Set("state", q.State)
	}
	if q.Sort != "" && q.Sort != "name" {
		v.Set("sort", q.Sort)
	}
	if q.Page > 1 {
		v.Set("page", strconv.Itoa(q.Page))
	}
	return v
}

// with returns the address of the overview with this query, after change has changed it.
func (q query) with(change func(*query)) string {
	change(&q)
	if e := q.values().Encode(); e != "" {
		return "/?" + e
	}
	return "/"
}

// states are the states of gateways in the order of the overview: first those in which somebody has to do something.
var states = []string{"startup_failed", "backoff", "degraded", "starting", "draining", "running", "stopped"}

// choose returns the page's gateways, how many match in all, and how many pages there are.
func (q query) choose(s *fleet.Snapshot) (page []*fleet.Gateway, matches, pages int) {
	list := make([]*fleet.Gateway, 0, len(s.Gateways))
	for _, g := range s.Gateways {
		if (q.State == "" || g.State == q.State) && (q.Text == "" || strings.Contains(g.Profile.String(), q.Text) || strings.Contains(strings.ToLower(g.Reason), q.Text)) {
			list = append(list, g)
		}
	}
	by := func(less func(a, b *fleet.Gateway) int) { slices.SortStableFunc(list, less) }
	switch q.Sort {
	case "state":
		by(func(a, b *fleet.Gateway) int {
			return cmp.Compare(slices.Index(states, a.State), slices.Index(states, b.State))
		})
	case "uptime":
		by(func(a, b *fleet.Gateway) int {
			if a.Since.IsZero() != b.Since.IsZero() {
				return cmp.Compare(bit(a.Since.IsZero()), bit(b.Since.IsZero()))
			}
			return a.Since.Compare(b.Since)
		})
	case "restarts":
		by(func(a, b *fleet.Gateway) int { return cmp.Compare(b.Restarts, a.Restarts) })
	case "memory":
		by(func(a, b *fleet.Gateway) int { return cmp.Compare(b.Memory, a.Memory) })
	}
	matches = len(list)
	pages = max(1, (matches+perPage-1)/perPage)
	first := (min(q.Page, pages) - 1) * perPage
	return list[first:min(first+perPage, matches)], matches, pages
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
