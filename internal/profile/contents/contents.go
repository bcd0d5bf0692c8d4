// Package contents says what each file of a profile's home means to a copy of the profile, and walks through a home to copy it.
package contents

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"hermes/internal/profile"
)

// Part says what a file of a home means to a copy of the profile.
type Part int

const (
	// Content says who the agent is and how it is set up: SOUL.md, config.yaml, skills.
	Content Part = iota
	// Secret files may hold keys. That cannot be known, so their names decide, and rather too many files than too few are secret.
	Secret
	// Database files hold what the profile remembers.
	Database
	// Local files belong to a running gateway or to this volume: locks, pids, states, logs, other profiles. They lie at the top of a
	// home. A file with such a name in a directory of the home belongs to the agent, and its name means nothing to us.
	Local
)

var (
	// localNames are names of Local files at the top of a home.
	localNames = []string{
		"gateway_state.json", "gateway_state.json.corrupt", "metrics.json", "gateway.pid", "gateway.lock", "processes.json",
		"hermes.db-shm", "state.db-shm", "profiles", "logs", "cache", "tmp", ".run", "up",
	}
)

// patterns compiles the patterns at the first use, because a gateway never copies a profile and should not keep them in memory.
var patterns = sync.OnceValue(func() (p struct{ localHidden, localFile, database, secretWord, secretFile *regexp.Regexp }) {
	// The names of other files that this program, or an atomic write, leaves beside localNames.
	p.localHidden = regexp.MustCompile(`^\.(?:ports\.lock|boot-.*|dashboard_.*|active_profile|staging\.lock|settings\.lock|gateway_.*|\..*|.*[^0-9][0-9]{6,})$`)
	p.localFile = regexp.MustCompile(`\.(?:pid|lock|log|sock|tmp|bak|tar\.zst)$`)
	p.database = regexp.MustCompile(`\.(?:db|sqlite3?)(?:-wal|-journal|-shm)?$`)
	p.secretWord = regexp.MustCompile(`(?:^|[^a-z])(?:tokens?|secrets?|credentials?|passwords?|passwd|(?:api|private|ssh)[._-]?keys?)(?:[^a-z]|$)`)
	p.secretFile = regexp.MustCompile(`^(?:auth\.(?:json|ya?ml|toml)|cookies?\..*|id_[a-z0-9]+|.*\.(?:pem|key|p12|pfx|jks|kdbx|keytab|env))$`)
	return p
})

// Of classifies a slash-separated path relative to a home. A file in a secret directory is secret too.
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

// Guessed reports whether only the form of a name at the top of a home says that the file belongs to this volume. The guess may be
// wrong, so a copy that leaves the file out says so.
func Guessed(name string) bool {
	name = strings.ToLower(name)
	return name[0] != '.' && !slices.Contains(localNames, name) && (name == "lost+found" || patterns().localFile.MatchString(name))
}

// Essential are the files without which a copy of the profile is not complete.
var Essential = []string{profile.SoulName, profile.ConfigName, profile.EnvName, profile.DatabaseName, profile.FormerDatabaseName}
