package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hermes/internal/profile"
	"hermes/internal/profile/ports"
)

// checkPorts finds profiles with the same port. If files cannot be read, the profile check reports that.
func checkPorts(_ context.Context, e *examination) []Finding {
	users := map[int][]profile.Home{}
	for _, h := range e.homes() {
		if port, _, err := ports.Own(h, e.Getenv); err == nil && port != 0 {
			users[port] = append(users[port], h)
		}
	}
	var found []Finding
	for _, port := range slices.Sorted(maps.Keys(users)) {
		homes := users[port]
		if len(homes) < 2 {
			continue
		}
		var names []string
		for _, h := range homes {
			names = append(names, "'"+h.Name.String()+"'")
		}
		last := homes[len(homes)-1]
		found = append(found, Finding{
			Severity: Error, Profile: last.Name.String(),
			What: fmt.Sprintf("port %d belongs to %s: only one of them can serve", port, strings.Join(names, " and ")),
			Mend: fmt.Sprintf("take API_SERVER_PORT out of %s and api_server.port out of %s, then %s: it gets a port of its own",
				last.Env(), last.Config(), e.again(last.Name)),
		})
	}
	return found
}
