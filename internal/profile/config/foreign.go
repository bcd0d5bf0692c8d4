package config

import (
	"bytes"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"hermes/internal/profile"
)

// foreignKeys are top-level keys of the config.yaml of hermes-agent (version 0.21.3) that we do not have. That program keeps its
// file in the same place. A file with one of these keys was written for it.
var foreignKeys = []string{
	"_config_version", "agent", "approvals", "command_allowlist", "compression", "cron", "custom_providers", "dashboard", "database",
	"discord", "display", "fallback_model", "fallback_providers", "group_sessions_per_user", "mcp_servers", "memory", "model_aliases",
	"platforms", "providers", "quick_commands", "session_reset", "slack", "streaming", "stt", "telegram", "terminal",
	"thread_sessions_per_user", "tts", "updates",
}

// isForeign reports whether a config.yaml was written for hermes-agent.
func isForeign(root *yaml.Node) bool {
	if root == nil || root.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		if slices.Contains(foreignKeys, root.Content[i].Value) {
			return true
		}
	}
	return false
}

// Foreign reports whether config.yaml was written for hermes-agent, whose home lies in the same place. Then we must not write the
// .env beside it.
func Foreign(h profile.Home) bool {
	data, err := h.Files().ReadFile(profile.ConfigName, MaxSize)
	if err != nil {
		return false
	}
	root, err := parseYAML(h.Config(), data)
	return isForeign(root) || err != nil && bytes.Contains(data, []byte("_config_version:"))
}

// leaveOut sets a key of a section that cannot be used to its zero value.
func leaveOut(s Section, key string) {
	v := reflect.ValueOf(s).Elem()
	for name := range strings.SplitSeq(key, ".") {
		field, ok := fieldOf(v, name)
		if !ok {
			return
		}
		v = field
	}
	v.SetZero()
}

// unused notes a key that is not used. A key that is not a plain name is noted as "?".
func (c *Config) unused(key string) {
	if key = plainKey(key); key == "" {
		key = "?"
	}
	c.Unused = append(c.Unused, key)
}
