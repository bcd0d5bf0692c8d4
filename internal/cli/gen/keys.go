package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// key is one key of config.yaml.
type key struct {
	path    string // dotted
	kind    string // the Go type
	meaning string
}

// withoutComment says what those fields mean that have no comment in the code. When a field
// gets a comment it must be removed here.
var withoutComment = map[string]string{
	"api_server.host": "the address to listen on; anything but loopback lets others in, who still need the key",
	"api_server.port": "the port to listen on; `API_SERVER_PORT` in the profile's `.env` wins over it",
}

// keys reads the types of config.yaml from their source: the tags and the comments of the fields.
func keys(root string) ([]key, error) {
	dir := filepath.Join(root, "internal", "profile", "config")
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	types := map[string]*ast.StructType{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					types[spec.Name.Name] = s
				}
			}
			return true
		})
	}
	if types["Config"] == nil {
		return nil, fmt.Errorf("no type Config in %s", dir)
	}
	return fields(types, "Config", "")
}

func fields(types map[string]*ast.StructType, name, prefix string) ([]key, error) {
	names := map[string]string{} // Go name: key
	for _, f := range types[name].Fields.List {
		if tag := yamlTag(f); len(f.Names) == 1 && tag != "" {
			names[f.Names[0].Name] = tag
		}
	}
	var all []key
	for _, f := range types[name].Fields.List {
		tag := yamlTag(f)
		if tag == "" {
			return nil, fmt.Errorf("a field of %s has no yaml tag", name)
		}
		if tag == "-" { // a field with this tag is no key of the file
			continue
		}
		path, kind := prefix+tag, typeName(f.Type)
		if types[kind] != nil {
			below, err := fields(types, kind, path+".")
			if err != nil {
				return nil, err
			}
			all = append(all, below...)
			continue
		}
		meaning, extra := comment(f, names), withoutComment[path]
		switch {
		case meaning == "" && extra == "":
			return nil, fmt.Errorf("%s has no comment that says what it means", path)
		case meaning != "" && extra != "":
			return nil, fmt.Errorf("%s has a comment now: take it out of withoutComment", path)
		}
		all = append(all, key{path, kind, meaning + extra})
	}
	return all, nil
}

func yamlTag(f *ast.Field) string {
	if f.Tag == nil {
		return ""
	}
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return ""
	}
	name, _, _ := strings.Cut(reflect.StructTag(tag).Get("yaml"), ",")
	return name
}

func typeName(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.StarExpr:
		return typeName(t.X)
	}
	return ""
}

var word = regexp.MustCompile(`\b[A-Z][A-Za-z]+\b`)

// comment makes a meaning of a field's comment: "Port is the port" is "the port", and other
// fields' names become their keys.
func comment(f *ast.Field, names map[string]string) string {
	text := strings.TrimSuffix(strings.Join(strings.Fields(f.Doc.Text()), " "), ".")
	text = strings.TrimPrefix(text, f.Names[0].Name+" ")
	text = strings.TrimPrefix(text, "is ")
	return word.ReplaceAllStringFunc(text, func(w string) string {
		if k, ok := names[w]; ok {
			return "`" + k + "`"
		}
		return w
	})
}
