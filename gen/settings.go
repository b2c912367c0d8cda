package gen

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/design"
)

// readSettings stores the settings of a plugin in the struct that into points
// to, and enforces what the tags of its fields ask for.
func readSettings(p *design.Plugin, into any) error {
	if p == nil {
		return nil
	}
	if into == nil {
		into = &struct{}{}
	}
	if err := p.Decode(into); err != nil {
		return err
	}
	var errs design.Errors
	v := reflect.ValueOf(into).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("yaml")
		s := p.Setting(name)
		switch {
		case name == "":
		case s != nil:
			if message, hint := checkSetting(f, v.Field(i)); message != "" {
				errs.Add(s.ValuePos, s.Path, name+" "+message, hint)
			}
		case f.Tag.Get("required") == "true":
			errs.Add(p.Pos, "plugins."+p.Name+"."+name, fmt.Sprintf("plugin %s has no %s", p.Name, name), firstLower(f.Tag.Get("doc")))
		}
	}
	return errs.Err()
}

// checkSetting says what is wrong with one setting.
func checkSetting(f reflect.StructField, v reflect.Value) (message, hint string) {
	if d, ok := reflect.TypeAssert[time.Duration](v); ok {
		lo, hi := duration(f.Tag.Get("min")), duration(f.Tag.Get("max"))
		if d < lo || hi > 0 && d > hi {
			return fmt.Sprintf("has to be from %s to %s, not %s", f.Tag.Get("min"), f.Tag.Get("max"), d), ""
		}
		return "", ""
	}
	if v.Kind() != reflect.String {
		return "", ""
	}
	text := v.String()
	allowed := f.Tag.Get("enum")
	switch {
	case allowed != "" && !slices.Contains(strings.Split(allowed, ","), text):
		return fmt.Sprintf("cannot be %q", text), "one of: " + strings.ReplaceAll(allowed, ",", ", ")
	case placeholder.MatchString(text):
		return fmt.Sprintf("is a placeholder: %q", text), "write the real value, or leave the setting out"
	case text == "" || strings.TrimSpace(text) != text || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }):
		return fmt.Sprintf("cannot be %q", text), "leave the setting out for its default"
	}
	return "", ""
}

// placeholder matches what examples put where a value belongs. The names of
// variables, such as AUTH0_DOMAIN, are among it.
var placeholder = regexp.MustCompile(`(?i)change[-_ ]?me|^your[-_ ]|^<.*>$|^\$?\{.*\}$|^x{3,}$|^(todo|tbd|placeholder|undefined|null)$|(?-i)^[A-Z][A-Z0-9]*_[A-Z0-9_]+$`)

func duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil && s != "" {
		panic(fmt.Sprintf("gen: %q in a tag: %v", s, err))
	}
	return d
}

// settingsSchema returns the JSON Schema of the settings of a plugin.
func settingsSchema(p Plugin) map[string]any {
	properties := map[string]any{
		"enabled": map[string]any{"type": "boolean", "description": "Whether the plugin is on. Off keeps its settings in the file. Default: true."},
	}
	schema := map[string]any{
		"type":                 []string{"object", "null"},
		"description":          sentence(p.Summary),
		"properties":           properties,
		"additionalProperties": false,
	}
	settings := p.New().Settings()
	if settings == nil {
		return schema
	}
	v := reflect.ValueOf(settings).Elem()
	var required []string
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("yaml")
		if name == "" {
			continue
		}
		properties[name] = settingSchema(f, v.Field(i))
		if f.Tag.Get("required") == "true" {
			required = append(required, name)
			schema["required"], schema["type"] = required, "object"
		}
	}
	return schema
}

// groupSchema returns the JSON Schema of a mapping of settings.
func groupSchema(v reflect.Value) map[string]any {
	properties := map[string]any{}
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" {
			properties[name] = settingSchema(v.Type().Field(i), v.Field(i))
		}
	}
	return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
}

func settingSchema(f reflect.StructField, v reflect.Value) map[string]any {
	schema := map[string]any{"description": f.Tag.Get("doc")}
	switch {
	case f.Type == reflect.TypeFor[design.Setting]():
		schema["type"] = "object"
		return schema
	case f.Type.Kind() == reflect.Struct:
		maps.Copy(schema, groupSchema(v))
		return schema
	case f.Type.Kind() == reflect.Map:
		schema["type"], schema["additionalProperties"] = "object", map[string]any{"type": "string", "minLength": 1}
		return schema
	case f.Type.Kind() == reflect.Slice:
		schema["type"], schema["items"] = "array", map[string]any{"type": "string", "minLength": 1}
		schema["uniqueItems"] = true
		return schema
	case f.Type == reflect.TypeFor[time.Duration]():
		schema["type"], schema["pattern"] = "string", `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	case f.Type.Kind() == reflect.Bool:
		schema["type"] = "boolean"
	case v.CanInt():
		schema["type"] = "integer"
	default:
		schema["type"], schema["minLength"] = "string", 1
	}
	if enum := f.Tag.Get("enum"); enum != "" {
		schema["enum"] = strings.Split(enum, ",")
		delete(schema, "minLength")
	}
	if !v.IsZero() {
		schema["default"] = v.Interface()
		if d, ok := reflect.TypeAssert[time.Duration](v); ok {
			schema["default"] = shortDuration(d)
		}
	}
	return schema
}

// shortDuration prints a duration as people write it: 15m, not 15m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
