package profile

// SetAside is exported for the tests that need the packages below this one.
var (
	SetAside = (*Store).setAside
)

const ActiveName = activeName
