package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what bench.json holds.
type report struct {
	Image string    `json:"image"`
	When  time.Time `json:"when"`
	Rows  []row     `json:"rows"`
}

// row is one figure. Budget and Peer are 0 where there is none.
type row struct {
	What   string  `json:"what"`
	Unit   string  `json:"unit"` // ms, kB, MB, %
	Value  float64 `json:"value"`
	Peer   float64 `json:"peer,omitempty"`
	PeerIs string  `json:"peer_is,omitempty"`
	// Budget is for Value, or for what Value has over Peer if OverPeer is set.
	Budget   float64   `json:"budget,omitempty"`
	OverPeer bool      `json:"over_peer,omitempty"`
	Samples  []float64 `json:"samples,omitempty"`
}

func (r *report) add(rows ...row) { r.Rows = append(r.Rows, rows...) }

// held returns the figure that the budget is for, and whether it is kept.
func (r row) held() (float64, bool) {
	v := r.Value
	if r.OverPeer {
		v -= r.Peer
	}
	return v, r.Budget == 0 || v <= r.Budget
}

func (r *report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WHAT\tHERE\tPEER\tRATIO\tBUDGET\t")
	for _, row := range r.Rows {
		peer, ratio, budget, verdict := "-", "-", "-", ""
		if row.Peer > 0 {
			peer = fmt.Sprintf("%s (%s)", quantity(row.Peer, row.Unit), row.PeerIs)
			ratio = fmt.Sprintf("%.2f", row.Value/row.Peer)
		}
		if row.Budget > 0 {
			budget = quantity(row.Budget, row.Unit)
			v, ok := row.held()
			if row.OverPeer {
				budget = "+" + budget
				verdict = fmt.Sprintf("%+.4g: ", v)
			}
			if ok {
				verdict += "kept"
			} else {
				verdict += "OVER"
			}
		}
		fmt.Fprintln(t, strings.Join([]string{row.What, quantity(row.Value, row.Unit), peer, ratio, budget, verdict}, "\t"))
	}
	t.Flush()
}

func quantity(v float64, unit string) string {
	digits := 0
	if v < 100 {
		digits = 1
	}
	return fmt.Sprintf("%.*f %s", digits, v, unit)
}

func (r *report) write(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// percentile returns the nearest-rank percentile of some samples, p from 0 to 100.
func percentile(samples []float64, p float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.SortedFunc(slices.Values(samples), cmp.Compare)
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func median(samples []float64) float64 { return percentile(samples, 50) }
