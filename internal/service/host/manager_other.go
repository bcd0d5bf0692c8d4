//go:build !linux && !darwin && !windows

package host

import (
	"context"
	"errors"
	"time"

	"hermes/internal/service"
)

// Manager is none: this system has no service manager that hermes knows.
type Manager struct{}

var _ service.Installer = (*Manager)(nil)

// New returns nil.
func New(Options) *Manager { return nil }

// Lingers returns true: there is nothing to warn of.
func Lingers(string) bool { return true }

var errNone = errors.New("no service manager is known on this system")

func (*Manager) Kind() service.Kind                                       { return service.KindNone }
func (*Manager) SupportsRegistration() bool                               { return false }
func (*Manager) Installed(service.ID) bool                                { return false }
func (*Manager) Any() bool                                                { return false }
func (*Manager) Foreign(service.ID) error                                 { return nil }
func (*Manager) Path(service.ID) string                                   { return "" }
func (*Manager) Name(service.ID) string                                   { return "" }
func (*Manager) Move(context.Context, service.ID, service.Spec) error     { return errNone }
func (*Manager) Register(context.Context, service.Spec) error             { return errNone }
func (*Manager) Unregister(context.Context, service.ID) error             { return errNone }
func (*Manager) Start(context.Context, service.ID, time.Duration) error   { return errNone }
func (*Manager) Stop(context.Context, service.ID, time.Duration) error    { return errNone }
func (*Manager) Restart(context.Context, service.ID, time.Duration) error { return errNone }
func (*Manager) Status(context.Context, service.ID) (service.Status, error) {
	return service.Status{}, errNone
}
func (*Manager) List(context.Context) ([]service.Status, error) { return nil, errNone }
