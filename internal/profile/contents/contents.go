// Package contents says what the files of a profile's home are to a copy of it, and goes through a home for one.
package contents

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"hermes/internal/profile"
)

// Part is what a file of a home is to a copy of the profile.
type Part int

const (
	// Content is who the agent is and how it is set up: SOUL.md, config.yaml, skills.
	Content Part = iota
	// Secret may hold keys. What it is cannot be known, so names decide, and rather too many.
	Secret
	// Database is what the profile remembers.
	Database
	// Local belongs to a running gateway, or to this volume: locks, pids, states, logs, other profiles. All of it lies
	// at the top of a home: what has such a name further down is the agent's, and means nothing to us.
	Local
)

var (
	// localNames lie at the top of a home.
	localNames = []string{
		"gateway_state.json", "gateway_state.json.corrupt", "metrics.json", "gateway.pid", "gateway.lock", "processes.json",
		"hermes.db-shm", "state.db-shm", "profiles", "logs", "cache", "tmp", ".run", "up",
	}
)

// patterns are compiled at the first use: a gateway, which never copies a profile, is not to carry them.
var patterns = sync.OnceValue(func() (p struct{ localHidden, localFile, database, secretWord, secretFile *regexp.Regexp }) {
	// What this program and atomic writes call what lies beside localNames.
	p.localHidden = regexp.MustCompile(`^\.(?:ports\.lock|boot-.*|dashboard_.*|active_profile|staging\.lock|settings\.lock|gateway_.*|\..*|.*[^0-9][0-9]{6,})$`)
	p.localFile = regexp.MustCompile(`\.(?:pid|lock|log|sock|tmp|bak|tar\.zst)$`)
	p.database = regexp.MustCompile(`\.(?:db|sqlite3?)(?:-wal|-journal|-shm)?$`)
	p.secretWord = regexp.MustCompile(`(?:^|[^a-z])(?:tokens?|secrets?|credentials?|passwords?|passwd|(?:api|private|ssh)[._-]?keys?)(?:[^a-z]|$)`)
	p.secretFile = regexp.MustCompile(`^(?:auth\.(?:json|ya?ml|toml)|cookies?\..*|id_[a-z0-9]+|.*\.(?:pem|key|p12|pfx|jks|kdbx|keytab|env))$`)
	return p
})

// Of classifies a slash-separated path relative to a home. What lies in a directory is at least what the
// directory is.
func Of(rel string) Part {
	is := patterns()
	elements := strings.Split(rel, "/")
	top := strings.ToLower(elements[0])
	base := strings.ToLower(path.Base(rel))
	if slices.Contains(localNames, top) || is.localHidden.MatchString(top) || Guessed(elements[0]) {
		return Local
	}
	for _, e := range elements {
		e = strings.ToLower(e)
		if e[0] == '.' || is.secretWord.MatchString(e) || is.secretFile.MatchString(e) {
			return Secret
		}
	}
	if is.database.MatchString(base) {
		return Database
	}
	return Content
}

// Guessed reports whether only the form of a name at the top of a home says that it belongs to this volume. Whose it is cannot
// be known, so a copy that leaves it out says so.
func Guessed(name string) bool {
	name = strings.ToLower(name)
	return name[0] != '.' && !slices.Contains(localNames, name) && (name == "lost+found" || patterns().localFile.MatchString(name))
}

// Essential are the files without which a copy is none of the profile.
var Essential = []string{profile.SoulName, profile.ConfigName, profile.EnvName, profile.DatabaseName, profile.FormerDatabaseName}
