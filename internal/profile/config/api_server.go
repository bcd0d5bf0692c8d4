package config

// APIServer says where the gateway's HTTP API listens.
type APIServer struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
}

// Check implements Section.
func (a *APIServer) Check() (key, msg string) {
	if a.Port < 0 || a.Port > 65535 {
		return "port", "want 1 to 65535"
	}
	return "", ""
}
