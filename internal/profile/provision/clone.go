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

// clone copies the identity and the configuration of a profile into an empty directory. It leaves out links, special files, files
// that cannot be read, and files that may hold keys, and returns what it left out.
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

// cloneConfig copies config.yaml without its port. If the port cannot be removed, it copies the file as it is: the clone's port is
// written into its .env, which wins over config.yaml.
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
