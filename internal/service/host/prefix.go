//go:build !darwin

package host

// prefix is what the names of our units and services begin with: hermes-gateway-coder.
const prefix = "hermes-"
