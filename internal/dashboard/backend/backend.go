package backend

import (
	"context"
	"log/slog"
	"time"

	"hermes/internal/doctor"
	"hermes/internal/fleet"
	"hermes/internal/profile"
	"hermes/internal/service"
)

// Options say where the dashboard reads and acts: the profiles, who is in charge of their gateways, the doctor.
type Options struct {
	Store *profile.Store
	// Manager returns who is in charge of the gateways now; nil if nobody is.
	Manager   func() service.Manager
	Container bool
	Getenv    func(string) string
	// StopForeground ends a gateway that no manager runs.
	StopForeground func(ctx context.Context, h profile.Home, wait time.Duration) error
	// Doctor returns what `hermes doctor` examines.
	Doctor func() (doctor.Options, error)
}

// Backend holds everything that the pages and the API work with. Each of them takes from it what it needs.
type Backend struct {
	Store    *profile.Store
	Getenv   func(string) string
	Fleet    *fleet.Fleet
	Gateways Gateways
	Journals *Journals
	Actions  *Actions
	Doctor   Doctor
	Chat     Chat
	Logs     Logs
}

// New returns the backend of one dashboard. The picture in Fleet is empty until somebody runs it.
func New(o Options, log *slog.Logger) *Backend {
	journals := NewJournals(o.Store, log)
	gateways := fleet.New(fleet.Options{
		Store: o.Store, Manager: o.Manager, Container: o.Container, Log: log, Past: journals.pastChanges(),
		Record: journals.recordChanges,
	})
	return &Backend{
		Store:    o.Store,
		Getenv:   o.Getenv,
		Fleet:    gateways,
		Gateways: Gateways{gateways, o.Store},
		Journals: journals,
		Actions:  &Actions{store: o.Store, manager: o.Manager, stopForeground: o.StopForeground, fleet: gateways, journals: journals},
		Doctor:   Doctor{o.Doctor, journals},
		Chat:     Chat{gateways, o.Getenv},
		Logs:     Logs{o.Store, o.Getenv},
	}
}
