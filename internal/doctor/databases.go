package doctor

import (
	"context"
	"fmt"
	"time"

	"hermes/internal/profile"
	"hermes/internal/service"
	"hermes/internal/store"
)

// databasePatience is how long one database is read; a large one is not read to its end.
const databasePatience = 2 * time.Second

// checkDatabases finds profiles whose database cannot be used.
func checkDatabases(ctx context.Context, e *examination) []Finding {
	homes := e.homes()
	broken := make([]error, len(homes))
	service.Parallel(len(homes), func(i int) {
		within, cancel := context.WithTimeout(ctx, databasePatience)
		defer cancel()
		if err := store.Check(within, homes[i].Database()); err != nil && !store.Missing(err) && within.Err() == nil {
			broken[i] = err
		}
	})
	var found []Finding
	for i, h := range homes {
		if broken[i] != nil {
			found = append(found, e.database(h, broken[i]))
		}
	}
	return found
}

func (e *examination) database(h profile.Home, err error) Finding {
	db := shell(h.Database())
	return Finding{
		Severity: Error, Profile: h.Name.String(), What: err.Error(),
		Mend: fmt.Sprintf("put a backup in its place, or begin with an empty one: %s, `mv %s %s.corrupt; rm -f %[2]s-wal %[2]s-shm`, then %[4]s",
			command(h.Name, "gateway stop"), db, db, command(h.Name, "gateway start")),
	}
}
