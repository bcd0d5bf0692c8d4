// Package deploycheck holds deploy/ against the schemas that Kubernetes and compose publish. It has only tests.
package deploycheck
