// Package lint holds checks of the repository itself that no linter makes: they are
// tests, and nothing imports it.
package lint
