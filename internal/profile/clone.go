package profile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"hermes/internal/volume"
)

// clone copies the identity and the configuration of a profile into an empty directory. Links, special files and what
// cannot be read are left out, and named, like what may hold a key.
func clone(ctx context.Context, from Home, to volume.Dir) ([]LeftOut, error) {
	c := &copier{home: from.Files()}
	c.skip = func(rel string, p part, d fs.DirEntry) (bool, string) {
		switch {
		case p == partDatabase, rel == EnvName, rel == OwnEnvName:
			return true, ""
		case p == partSecret:
			return true, WhySecret
		}
		return !d.IsDir() && !d.Type().IsRegular(), whySpecial
	}
	c.take = func(rel string, _ part, d fs.DirEntry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch {
		case d.IsDir():
			return to.Mkdir(rel, 0o755)
		case rel == ConfigName:
			return cloneConfig(from, to)
		}
		return c.copyIn(to, rel)
	}
	err := c.run()
	return c.leftOut, err
}

func (c *copier) copyIn(to volume.Dir, rel string) error {
	in, info, err := c.open(rel)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := to.Create(rel, cleanMode(info.Mode()))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// cleanMode keeps whether a file can be run and by whom it can be read, and makes it its owner's.
func cleanMode(m fs.FileMode) fs.FileMode { return m.Perm()&^0o022 | 0o600 }

// cloneConfig copies config.yaml without its port. The port that the clone gets is written into its .env, which
// comes first: a file from which the port cannot be cut is copied as it is.
func cloneConfig(from Home, to volume.Dir) error {
	data, err := from.Files().ReadFile(ConfigName, maxConfigFile)
	if err != nil {
		return err
	}
	data = withoutPort(data)
	if err := to.WriteFile(ConfigName, data, 0o644); err != nil {
		return fmt.Errorf("copy config.yaml: %w", err)
	}
	return nil
}

// withoutPort cuts the line of api_server.port out of a config.yaml, if the rest means what it meant.
func withoutPort(data []byte) []byte {
	before, err := parseConfig("", data)
	root, rerr := parseYAML("", data)
	if err != nil || rerr != nil || before.APIServer.Port == 0 {
		return data
	}
	line := lineOf(root, "api_server.port")
	lines := bytes.SplitAfter(data, []byte("\n"))
	if line < 1 || line > len(lines) {
		return data
	}
	cut := bytes.Join(append(lines[:line-1:line-1], lines[line:]...), nil)
	after, err := parseConfig("", cut)
	before.APIServer.Port = 0
	if err != nil || fmt.Sprintf("%+v", plain(before)) != fmt.Sprintf("%+v", plain(after)) {
		return data
	}
	return cut
}

// plain is a configuration without pointers, to compare it.
func plain(c Config) any {
	retries := *c.Model.MaxRetries
	c.Model.MaxRetries = nil
	return struct {
		Config
		retries int
	}{c, retries}
}
