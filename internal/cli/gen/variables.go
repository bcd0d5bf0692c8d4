package main

import (
	"fmt"

	"hermes/internal/container"
	"hermes/internal/dashboard/access"
	"hermes/internal/profile"
	"hermes/internal/profile/ports"
	"hermes/internal/service"
	"hermes/internal/service/s6"
)

// variable is one variable of the environment. A test keeps this table and the code together: each name that the code
// mentions is here, and each name that is here is mentioned.
type variable struct {
	name, def, values, meaning string
	// planned says that nothing reads it yet.
	planned bool
}

const (
	onOff       = "`1`, `true`, `yes`"
	portNumbers = "1 to 65535"
	ids         = "1 to 4294967294, but not 65535"
)

var variables = []variable{
	{name: "HERMES_HOME", def: fmt.Sprintf("`%s` in the image, `~/.hermes` elsewhere", profile.ImageRoot), values: "a directory",
		meaning: "the home of the profile `default`; the others are below it, in `profiles/`"},
	{name: "HERMES_UID", def: runtimeID(), values: ids, meaning: "image: the runtime user's id; wins over `PUID`"},
	{name: "HERMES_GID", def: runtimeID(), values: ids, meaning: "image: the runtime user's group; wins over `PGID`"},
	{name: "PUID", values: ids, meaning: "another name for `HERMES_UID`"},
	{name: "PGID", values: ids, meaning: "another name for `HERMES_GID`"},
	{name: "UMASK", def: "the image's, `022`", values: "000 to 077",
		meaning: "image: which rights new files of the runtime user do not get (umask(2), octal)"},
	{name: container.OptOut, values: onOff, meaning: "`gateway run` stays in the foreground where s6 supervises, like `--no-supervise`"},
	{name: "HERMES_GATEWAY_BOOTSTRAP_STATE", values: "`running`", meaning: "image: on a volume that has no state yet, start the default profile's gateway at boot"},
	{name: "HERMES_DASHBOARD", values: onOff, meaning: "image: run the dashboard, supervised"},
	{name: "HERMES_DASHBOARD_HOST", def: "`0.0.0.0` in the image, `127.0.0.1` elsewhere", values: "an address", meaning: "where the dashboard listens"},
	{name: "HERMES_DASHBOARD_PORT", def: fmt.Sprint(access.DefaultPort), values: portNumbers, meaning: "where the dashboard listens"},
	{name: "HERMES_DASHBOARD_BASIC_AUTH_USERNAME", values: "a text", meaning: "the dashboard's credentials; without them it serves loopback only, and otherwise ends with code 78"},
	{name: "HERMES_DASHBOARD_BASIC_AUTH_PASSWORD", values: "a text, or a bcrypt hash", meaning: "belongs to `HERMES_DASHBOARD_BASIC_AUTH_USERNAME`; `hermes dashboard hash-password` makes a hash; a file's path in `..._FILE` instead"},
	{name: "HERMES_DASHBOARD_BASIC_AUTH_SECRET", def: "made at each start", values: "a text of 16 characters or more", meaning: "signs sessions, so that they survive a restart of the dashboard; a file's path in `..._FILE` instead"},
	{name: "HERMES_DASHBOARD_ALLOWED_HOSTS", values: "names, `*.example.org`", meaning: "names under which the dashboard is asked, beside addresses and names of the local network"},
	{name: "HERMES_DASHBOARD_PUBLIC_URL", values: "an address like `https://hermes.example.org`, `https://example.org/hermes`", meaning: "where visitors find the dashboard; its name is allowed, and all its addresses begin with its path"},
	{name: "HERMES_DASHBOARD_OIDC_ISSUER", values: "an address", meaning: "an OpenID Connect issuer that vouches for visitors; needs `HERMES_DASHBOARD_PUBLIC_URL`"},
	{name: "HERMES_DASHBOARD_OIDC_CLIENT_ID", values: "a text", meaning: "the dashboard's name at the issuer"},
	{name: "HERMES_DASHBOARD_OIDC_CLIENT_SECRET", values: "a text", meaning: "belongs to it; a file's path in `..._FILE` instead"},
	{name: "HERMES_DASHBOARD_OIDC_ALLOWED", values: "e-mail addresses, subjects", meaning: "who is let in, of those for whom the issuer vouches"},
	{name: "HERMES_DASHBOARD_TRUSTED_PROXIES", values: "addresses, networks", meaning: "reverse proxies whose `X-Forwarded-` headers are believed"},
	{name: "HERMES_DASHBOARD_METRICS_TOKEN", values: "a text of 16 characters or more", meaning: "a bearer token that is good for `/metrics` only; a file's path in `..._FILE` instead"},
	{name: "API_SERVER_HOST", def: "`" + ports.DefaultHost + "`", values: "an address",
		meaning: "where the API of the profile `default` listens; others say it in their own files"},
	{name: "API_SERVER_PORT", def: fmt.Sprint(ports.Default), values: portNumbers, meaning: "the port of the API of `default`"},
	{name: "API_SERVER_KEY", def: "made with the profile, in its `.env`", values: "a text", meaning: "the key that every request under `/v1` to `default` needs; a file's path in `..._FILE` instead"},
	{name: "HERMES_DOCKER_EXEC_AS_ROOT", values: onOff, meaning: "image: `doctor --fix` that root started gives files back to the runtime user before it steps down, and `gateway logs` stays root"},
	{name: "HERMES_ALLOW_ROOT_GATEWAY", values: onOff, meaning: "image: a gateway may run as root, which it otherwise refuses with code 126"},
	{name: "HERMES_S6_SCANDIR", def: scandir(), values: "a directory", meaning: "where the supervisor looks for the gateways' slots, for images with another init"},
	{name: container.SupervisedChild, values: "`1`", meaning: "set by the supervisor for its own gateways; leave it alone"},
	{name: service.SlotEnv, values: "a directory", meaning: "set in the image for the slots: where the variables are that only some of them get; leave it alone"},
	{name: service.Variable, values: "`systemd`, `launchd`, `windows`", meaning: "set in the services that `gateway install` makes: such a gateway writes its log directory itself; leave it alone"},
}

func runtimeID() string {
	u, err := container.RuntimeUser(func(string) string { return "" })
	if err != nil {
		return ""
	}
	return fmt.Sprint(u.UID)
}

func scandir() string {
	if s6.DefaultScandir == "" {
		return "`/run/service`" // the documents are about Linux, also if they are made on another system
	}
	return "`" + s6.DefaultScandir + "`"
}
