package profile

// For the tests that need the packages below this one.
var (
	SetAside = (*Store).setAside
)

const ActiveName = activeName
