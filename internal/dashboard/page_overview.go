package dashboard

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"time"
)

const overviewHead = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>hermes</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent) }
td.number { font-variant-numeric: tabular-nums }
</style>
</head>
<body>
<h1>Gateways</h1>
`

// overview lists every profile and what its gateway does.
func overview(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		views, broken, err := o.Source(r.Context())
		if err != nil {
			o.Log.Error("cannot show the overview", "error", err)
			http.Error(w, "cannot list the gateways; the dashboard's log says why", http.StatusInternalServerError)
			return
		}
		var b bytes.Buffer
		b.WriteString(overviewHead)
		b.WriteString("<table>\n<tr><th>Profile<th>State<th>Wanted<th>PID<th>Up<th>Port<th>Memory<th>Reason\n")
		for _, v := range views {
			pid, up, port, memory := "", "", "", ""
			if v.Up() {
				pid, up = strconv.Itoa(v.PID), (time.Duration(v.Uptime) * time.Second).String()
			}
			if v.Port != 0 {
				port = strconv.Itoa(v.Port)
			}
			if v.Memory != 0 {
				memory = fmt.Sprintf("%.1f MB", float64(v.Memory)/1e6)
			}
			cells(&b, v.Profile.String(), v.State, string(v.Desired), pid, up, port, memory, v.Trouble())
		}
		for _, e := range broken {
			cells(&b, e.Label, "cannot be used", "", "", "", "", "", e.Err.Error())
		}
		b.WriteString("</table>\n</body>\n</html>\n")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		_, _ = w.Write(b.Bytes()) // the visitor may be gone
	})
}

// cells writes a row. Names come from the volume and reasons from anywhere: all are escaped.
func cells(b *bytes.Buffer, values ...string) {
	b.WriteString("<tr>")
	for _, v := range values {
		b.WriteString("<td>" + html.EscapeString(cmp.Or(v, "–")))
	}
	b.WriteByte('\n')
}
