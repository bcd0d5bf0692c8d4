package restart

// Exit is what the end of a service's process means (contract "Exit codes").
type Exit int

// The meanings.
const (
	Failure Exit = iota // start it again, with backoff
	Again               // start it again at once: it asked for that, or somebody ended it
	Stay                // it stays down: a planned end, or one that a restart cannot help
)

// Of tells what an exit code, or a signal such as SIGTERM, means. code counts only without a signal. SIGTERM and SIGHUP, and
// 143 and 129 after them, are an end that somebody asked for, not a failure.
func Of(code int, signal string) Exit {
	switch {
	case signal == "SIGTERM", signal == "SIGHUP", signal == "" && (code == 75 || code == 129 || code == 143):
		return Again
	case signal == "" && (code == 0 || code == 78 || code == 126):
		return Stay
	}
	return Failure
}
