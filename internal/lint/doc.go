// Package lint checks the repository itself, for what no linter checks. Its checks are tests, and nothing imports it.
package lint
