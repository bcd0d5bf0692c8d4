package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"hermes/internal/profile"
	"hermes/internal/profile/config"
	"hermes/internal/profile/contents"
	"hermes/internal/volume"
)

// clone copies the identity and the configuration of a profile into an empty directory. Links, special files and what
// cannot be read are left out, and named, like what may hold a key.
func clone(ctx context.Context, from profile.Home, to volume.Dir) ([]contents.LeftOut, error) {
	c := &contents.Copier{Home: from.Files()}
	c.Skip = func(rel string, p contents.Part, d fs.DirEntry) (bool, string) {
		switch {
		case p == contents.Database, rel == profile.EnvName, rel == profile.OwnEnvName:
			return true, ""
		case p == contents.Secret:
			return true, contents.WhySecret
		}
		return !d.IsDir() && !d.Type().IsRegular(), contents.WhySpecial
	}
	c.Take = func(rel string, _ contents.Part, d fs.DirEntry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch {
		case d.IsDir():
			return to.Mkdir(rel, 0o755)
		case rel == profile.ConfigName:
			return cloneConfig(from, to)
		}
		return copyIn(c, to, rel)
	}
	err := c.Run()
	return c.LeftOut, err
}

func copyIn(c *contents.Copier, to volume.Dir, rel string) error {
	in, info, err := c.Open(rel)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := to.Create(rel, contents.CleanMode(info.Mode()))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// cloneConfig copies config.yaml without its port. The port that the clone gets is written into its .env, which
// comes first: a file from which the port cannot be cut is copied as it is.
func cloneConfig(from profile.Home, to volume.Dir) error {
	data, err := from.Files().ReadFile(profile.ConfigName, profile.MaxFile)
	if err != nil {
		return err
	}
	data = config.WithoutPort(data)
	if err := to.WriteFile(profile.ConfigName, data, 0o644); err != nil {
		return fmt.Errorf("copy config.yaml: %w", err)
	}
	return nil
}
