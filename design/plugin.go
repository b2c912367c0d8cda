package design

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

const enabledKey = "enabled"

func (l *loader) plugin(e entry) {
	p := &Plugin{Name: e.key, Enabled: true, Pos: e.pos}
	l.d.Plugins = append(l.d.Plugins, p)
	path := "plugins." + e.key
	p.Settings = Setting{Key: e.key, Path: path, Kind: KindMapping, Pos: e.pos, ValuePos: e.value.pos}
	n := e.value
	if n.isNull() {
		return
	}
	if n.kind != KindMapping {
		l.errs.Add(n.pos, path, fmt.Sprintf("the settings of a plugin have to be a mapping, not %s", n.describe()), "write {} for a plugin without settings")
		return
	}
	for _, child := range l.settings(n, path) {
		if child.Key != enabledKey {
			p.Settings.Children = append(p.Settings.Children, child)
		}
	}
	if v := n.get(enabledKey); v != nil {
		p.Enabled, _ = l.boolean(v, path+"."+enabledKey)
	}
}

func (l *loader) settings(n *node, path string) []Setting {
	l.duplicates(n, path, func(key string) string { return key })
	var out []Setting
	for _, e := range n.entries {
		out = append(out, l.setting(e.key, join(path, e.key), e.pos, e.value))
	}
	return out
}

func (l *loader) setting(key, path string, at Position, n *node) Setting {
	s := Setting{Key: key, Path: path, Kind: n.kind, Pos: at, ValuePos: n.pos}
	switch n.kind {
	case KindBool:
		s.Value = n.text == "true"
	case KindString:
		s.Value = n.text
	case KindInteger:
		v, err := strconv.ParseInt(n.text, 10, 64)
		if err != nil || !wholeNumber.MatchString(n.text) {
			l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be %s, not %s", last(path), numberNoun(Int), n.describe()), "")
		}
		s.Value, s.Text = v, n.text
	case KindFloat:
		v, err := strconv.ParseFloat(n.text, 64)
		if err != nil || !isFloat64(n.text) {
			l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be %s, not %s", last(path), numberNoun(Float), n.describe()), "")
		}
		s.Value, s.Text = v, n.text
	case KindList:
		for i, item := range n.items {
			s.Children = append(s.Children, l.setting("", path+"["+strconv.Itoa(i)+"]", item.pos, item))
		}
	case KindMapping:
		s.Children = l.settings(n, path)
	}
	return s
}

// Setting returns the setting of that name, nil if it was not written.
func (p *Plugin) Setting(name string) *Setting { return p.Settings.Child(name) }

// Child returns the entry of a mapping with that key, nil if there is none.
func (s *Setting) Child(key string) *Setting {
	for i := range s.Children {
		if s.Kind == KindMapping && s.Children[i].Key == key {
			return &s.Children[i]
		}
	}
	return nil
}

// Decode stores the settings of a plugin in the struct that into points to. A
// field takes the setting that its tag yaml:"name" names; one without a tag
// takes none. It may be a bool, a number, a string, a [time.Duration] (written
// as 15m), a slice, a map from strings, a struct, or a pointer to one of them; a
// [Setting] takes whatever is written. What is not written leaves its field as it is, so defaults go in before.
//
// A setting without a field, a wrong type and a number that does not fit are
// errors; the error is an [*Errors] that holds all of them. Decode panics if
// into is not a pointer to a struct.
func (p *Plugin) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("design: Decode into %T, which is not a pointer to a struct", into))
	}
	var errs Errors
	(&settingDecoder{&errs}).structure(&p.Settings, v.Elem(), "plugin "+p.Name)
	return errs.Err()
}

type settingDecoder struct{ errs *Errors }

func (d *settingDecoder) wrong(s *Setting, noun string) {
	d.errs.Add(s.ValuePos, s.Path, fmt.Sprintf("%s has to be %s, not %s", last(s.Path), noun, s.describe()), "")
}

func (d *settingDecoder) structure(s *Setting, v reflect.Value, what string) {
	if s.Kind != KindMapping {
		d.wrong(s, "a mapping")
		return
	}
	byName := map[string]reflect.Value{}
	var names []string
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
			byName[name] = v.Field(i)
		}
	}
	for i := range s.Children {
		child := &s.Children[i]
		if f, ok := byName[child.Key]; ok {
			d.value(child, f)
			continue
		}
		near, hint := didYouMean(child.Key, names), ""
		switch {
		case near != "":
		case len(names) == 0:
			hint = "it has no settings"
		default:
			hint = "known settings: " + strings.Join(names, ", ")
		}
		d.errs.Add(child.Pos, child.Path, fmt.Sprintf("unknown setting %s of %s%s", quote(child.Key), what, near), hint)
	}
}

func (d *settingDecoder) value(s *Setting, v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d.duration(s, v)
		return
	}
	if v.Type() == reflect.TypeFor[Setting]() {
		v.Set(reflect.ValueOf(*s))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(s, v.Elem())
	case reflect.Struct:
		d.structure(s, v, last(s.Path))
	case reflect.Slice:
		d.list(s, v)
	case reflect.Map:
		d.mapping(s, v)
	default:
		d.scalar(s, v)
	}
}

func (d *settingDecoder) duration(s *Setting, v reflect.Value) {
	text, ok := s.Value.(string)
	if t, err := time.ParseDuration(text); ok && err == nil {
		v.SetInt(int64(t))
		return
	}
	d.wrong(s, "a duration such as 15m or 24h")
}

func (d *settingDecoder) list(s *Setting, v reflect.Value) {
	if s.Kind != KindList {
		d.wrong(s, "a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(s.Children), len(s.Children))
	for i := range s.Children {
		d.value(&s.Children[i], out.Index(i))
	}
	v.Set(out)
}

func (d *settingDecoder) mapping(s *Setting, v reflect.Value) {
	if s.Kind != KindMapping {
		d.wrong(s, "a mapping")
		return
	}
	out := reflect.MakeMap(v.Type())
	for i := range s.Children {
		element := reflect.New(v.Type().Elem()).Elem()
		d.value(&s.Children[i], element)
		out.SetMapIndex(reflect.ValueOf(s.Children[i].Key).Convert(v.Type().Key()), element)
	}
	v.Set(out)
}

func (d *settingDecoder) scalar(s *Setting, v reflect.Value) {
	switch value := s.Value.(type) {
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(value)
			return
		}
	case string:
		if v.Kind() == reflect.String {
			v.SetString(value)
			return
		}
	case int64:
		switch {
		case v.CanInt() && !v.OverflowInt(value):
			v.SetInt(value)
			return
		case v.CanUint() && value >= 0 && !v.OverflowUint(uint64(value)):
			v.SetUint(uint64(value))
			return
		case v.CanFloat():
			v.SetFloat(float64(value))
			return
		}
	case float64:
		if v.CanFloat() {
			v.SetFloat(value)
			return
		}
	}
	d.wrong(s, scalarNoun(v))
}

func scalarNoun(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.Bool:
		return "true or false"
	case v.Kind() == reflect.String:
		return "text"
	case v.CanInt() || v.CanUint():
		return fmt.Sprintf("a whole number of %d bits", v.Type().Bits())
	case v.CanFloat():
		return "a number"
	}
	panic(fmt.Sprintf("design: a setting cannot be a %s", v.Type()))
}

// describe says what a setting holds, for "has to be …, not …".
func (s *Setting) describe() string {
	n := node{kind: s.Kind}
	if s.Value != nil {
		n.text = fmt.Sprint(s.Value)
	}
	return n.describe()
}
