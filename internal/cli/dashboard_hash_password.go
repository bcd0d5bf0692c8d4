package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"hermes/internal/dashboard/access"
	"hermes/internal/gateway"
)

// maxPassword is how many bytes of a password bcrypt takes.
const maxPassword = 72

// dashboardHashPasswordOptions is what `dashboard hash-password` is told.
type dashboardHashPasswordOptions struct{ app *app }

func dashboardHashPasswordCommand(a *app) *cobra.Command {
	o := dashboardHashPasswordOptions{app: a}
	return &cobra.Command{
		Use:   "hash-password",
		Short: "Print the hash of a password, for HERMES_DASHBOARD_BASIC_AUTH_PASSWORD",
		Long: `hash-password asks for a password, or reads the first line of its input, and prints its bcrypt hash. The dashboard takes the
hash in the place of the password, so that the password stands nowhere. In a compose file write $$ for each $.`,
		Example: `  hermes dashboard hash-password
  openssl rand -base64 18 | tee password.txt | hermes dashboard hash-password`,
		Args: noArgs,
		RunE: o.run,
	}
}

// run reads the password and prints its hash.
func (o *dashboardHashPasswordOptions) run(cmd *cobra.Command, _ []string) error {
	a := o.app
	password, err := o.read(cmd.Context())
	if err != nil {
		return err
	}
	switch {
	case password == "":
		return &usageError{errors.New("the password is empty")}
	case len(password) > maxPassword:
		return &usageError{fmt.Errorf("the password has more than the %d bytes that bcrypt looks at", maxPassword)}
	}
	hash, err := access.HashPassword(password)
	if err != nil {
		return err
	}
	if a.format == "json" {
		return a.json(map[string]any{"hash": hash})
	}
	_, err = fmt.Fprintln(a.Out, hash)
	return err
}

// read returns the password. On a terminal it asks a person and does not show what is typed. Otherwise it reads the first line of the
// input.
func (o *dashboardHashPasswordOptions) read(ctx context.Context) (string, error) {
	a := o.app
	f, ok := a.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(a.input(ctx), 4<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("cannot read the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	return o.ask(ctx, f)
}

// ask has a person type the password twice, until ctx ends. The terminal is in raw mode meanwhile, so it shows nothing, and Ctrl-C
// makes no signal but comes as a byte of the input; rawReader looks for it.
func (o *dashboardHashPasswordOptions) ask(ctx context.Context, f *os.File) (password string, err error) {
	before, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	defer func() { err = errors.Join(err, term.Restore(int(f.Fd()), before)) }()
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{rawReader{o.app.input(ctx)}, o.app.raw.Err}, "")
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		if typed[i], err = t.ReadPassword(prompt); err != nil {
			return "", fmt.Errorf("cannot read the password: %w", err)
		}
	}
	if typed[0] != typed[1] {
		return "", errors.New("these are two passwords: nothing is printed")
	}
	return typed[0], nil
}

// rawReader reads from a terminal in raw mode. A read that has Ctrl-C in it fails with *gateway.SignalError.
type rawReader struct{ io.Reader }

func (r rawReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if bytes.IndexByte(p[:n], 3) >= 0 {
		return 0, &gateway.SignalError{Signal: os.Interrupt}
	}
	return n, err
}
