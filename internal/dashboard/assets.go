package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// asset is an embedded file as it is sent.
type asset struct {
	kind         string // MIME type
	plain, small []byte // small is gzip
}

// assets are the embedded files. The name of a file changes with its content, so browsers may keep a file for ever.
type assets struct {
	byName map[string]asset
	names  map[string]string // from a file's plain name to its name in addresses
}

var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func loadAssets() assets {
	a := assets{map[string]asset{}, map[string]string{}}
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		panic(err) // the files are part of the program
	}
	for _, e := range entries {
		data, err := fs.ReadFile(staticFiles, "static/"+e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(data)
		ext := path.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		var small bytes.Buffer
		zip := gzip.NewWriter(&small)
		_, _ = zip.Write(data) // writing to a buffer cannot fail
		_ = zip.Close()
		a.byName[name] = asset{kinds[ext], data, small.Bytes()}
		a.names[e.Name()] = name
	}
	return a
}

func (a assets) register(mux *http.ServeMux) { mux.HandleFunc("GET /static/{file}", a.serve) }

// url returns the address of an embedded file.
func (a assets) url(file string) string { return "/static/" + a.names[file] }

func (a assets) serve(w http.ResponseWriter, r *http.Request) {
	file, ok := a.byName[r.PathValue("file")]
	if !ok {
		// Package access, which cannot know the other name, uses the plain one, and so may people.
		if file, ok = a.byName[a.names[r.PathValue("file")]]; !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
	} else {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Content-Type", file.kind)
	w.Header().Set("Vary", "Accept-Encoding")
	body := file.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		body = file.small
	}
	_, _ = w.Write(body) // the visitor may be gone
}
