// Command dockerlint checks Dockerfiles with BuildKit's own linter.
//
// It prints each warning with its place and the rule's page, and exits 1 if there
// was one, 2 if a file cannot be read. It needs no daemon and no network: base
// images are taken to have an empty configuration, so only what the file itself
// says is checked.
//
//	dockerlint image/Dockerfile
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, files []string, stdout, stderr io.Writer) int {
	if len(files) == 0 {
		fmt.Fprintln(stderr, "usage: dockerlint FILE...")
		return 2
	}
	code := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintf(stderr, "dockerlint: %v\n", err)
			return 2
		}
		clean, err := lint(ctx, file, text, stdout)
		if err != nil {
			fmt.Fprintf(stderr, "dockerlint: cannot check %s: %v\n", file, err)
			return 2
		}
		if !clean {
			code = 1
		}
	}
	return code
}

// lint writes what BuildKit's linter says about one Dockerfile to w. A file that
// BuildKit could not build is reported like a warning.
func lint(ctx context.Context, name string, text []byte, w io.Writer) (clean bool, err error) {
	source := llb.NewSourceMap(nil, name, "Dockerfile", text)
	source.Definition = new(llb.Definition) // the linter reads it unasked

	results, err := dockerfile2llb.DockerfileLint(ctx, text, dockerfile2llb.ConvertOpt{
		Config: dockerui.Config{
			BuildPlatforms:  []ocispecs.Platform{platforms.MustParse("linux/amd64")},
			TargetPlatforms: []ocispecs.Platform{platforms.MustParse("linux/amd64")},
		},
		SourceMap:    source,
		MetaResolver: emptyImages{},
	})
	if err != nil {
		return false, err
	}
	if len(results.Warnings) == 0 && results.Error == nil {
		return true, nil
	}
	if err := results.PrintTo(w, nil); err != nil {
		return false, err
	}
	if results.Error != nil {
		results.PrintErrorTo(w, nil)
		fmt.Fprintf(w, "%s: %s\n", name, results.Error.Message)
	}
	return false, nil
}

// emptyImages answers for every base image with an empty configuration.
type emptyImages struct{}

func (emptyImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	const config = `{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},"rootfs":{"type":"layers"}}`
	return ref, digest.FromString(ref), []byte(config), nil
}
