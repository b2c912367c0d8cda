package sandbox

import (
	"crypto/rand"
	"embed"
	"encoding/binary"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/dop251/goja"
)

//go:embed js
var sources embed.FS

// modules are the names that require knows, and the file behind each.
var modules = map[string]string{
	"auth0": "auth0", "axios": "axios", "buffer": "buffer", "crypto": "crypto", "events": "events",
	"http": "http", "https": "http", "ipaddr.js": "ipaddr", "jsonwebtoken": "jsonwebtoken",
	"jwks-rsa": "jwks", "lodash": "lodash", "node-fetch": "nodefetch", "querystring": "querystring",
	"url": "url", "util": "util", "uuid": "uuid",
}

// ModuleNames lists the modules that require knows, sorted.
func ModuleNames() []string { return slices.Sorted(maps.Keys(modules)) }

// builtins are the programs of the files in js, compiled when they are first
// wanted.
var builtins = sync.OnceValue(func() map[string]func() *goja.Program {
	entries, err := sources.ReadDir("js")
	if err != nil {
		panic("gate: " + err.Error())
	}
	all := map[string]func() *goja.Program{}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), path.Ext(e.Name()))
		all[name] = sync.OnceValue(func() *goja.Program {
			source, err := sources.ReadFile("js/" + e.Name())
			if err != nil {
				panic("gate: " + err.Error())
			}
			head := "(function (exports, require, module, native) {'use strict';"
			return goja.MustCompile("gate:"+e.Name(), head+string(source)+wrapperTail, false)
		})
	}
	return all
})

// provides reports whether require would find name.
func (j *Job) provides(name string) bool {
	if _, own := j.Modules[name]; own {
		return true
	}
	if _, own := j.Modules[bareName(name)]; own {
		return true
	}
	return modules[bareName(name)] != ""
}

// bareName is the name of a module without "node:" and without a version:
// "auth0@2.9.1" and "@scope/name@1" lose what follows the last "@".
func bareName(name string) string {
	name = strings.TrimPrefix(name, "node:")
	if i := strings.LastIndexByte(name, '@'); i > 0 {
		name = name[:i]
	}
	return name
}

// install makes require and what the api needs.
func (m *machine) install() {
	m.captureJSON()
	m.native = m.vm.NewObject()
	m.provide(map[string]native{"load": m.loadFile, "call": m.hostCall, "record": m.recordCall})
	m.require = m.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		return m.load(call.Argument(0).String())
	})
}

func (m *machine) provide(functions map[string]native) {
	for name, fn := range functions {
		_ = m.native.Set(name, fn) // on an object of our own
	}
}

// globals makes the globals, and all that our files may call.
func (m *machine) globals() error {
	if m.whole {
		return nil
	}
	m.whole = true
	m.provide(m.natives())
	_, err := m.builtin("globals")
	return err
}

func (m *machine) captureJSON() {
	object := m.vm.Get("JSON")
	m.json.parse, _ = goja.AssertFunction(member(object, "parse"))
	m.json.stringify, _ = goja.AssertFunction(member(object, "stringify"))
}

// builtin returns the exports of one of our own files.
func (m *machine) builtin(file string) (goja.Value, error) {
	key := "gate:" + file
	if v, ok := m.modules[key]; ok {
		return v, nil
	}
	if file != "api" {
		if err := m.globals(); err != nil {
			return nil, err
		}
	}
	return m.evaluateAs(key, builtins()[file](), m.native)
}

// load is require. It panics with what JavaScript is to catch.
func (m *machine) load(name string) goja.Value {
	if code, ok := m.job.Modules[name]; ok {
		return m.bundled(name, code)
	}
	bare := bareName(name)
	if code, ok := m.job.Modules[bare]; ok {
		return m.bundled(bare, code)
	}
	file, ok := modules[bare]
	if !ok {
		e := m.newError(&Failure{Kind: Module, Message: noModule(name)})
		_ = e.Set("code", missingModule)
		panic(e)
	}
	v, err := m.builtin(file)
	if err != nil {
		panic(err)
	}
	return v
}

// bundled returns the exports of a file that the action brings.
func (m *machine) bundled(name, code string) goja.Value {
	key := "module:" + name
	if v, ok := m.modules[key]; ok {
		return v
	}
	program, err := compileSource("module "+name, code)
	if err != nil {
		m.fail(err)
	}
	v, err := m.evaluateAs(key, program, nil)
	if err != nil {
		panic(err)
	}
	return v
}

// evaluate runs the program of the action.
func (m *machine) evaluate(program *goja.Program) (goja.Value, error) {
	return m.evaluateAs("", program, nil)
}

func (m *machine) evaluateAs(key string, program *goja.Program, native goja.Value) (goja.Value, error) {
	wrapper, err := m.vm.RunProgram(program)
	if err != nil {
		return nil, err
	}
	fn, _ := goja.AssertFunction(wrapper)
	module, exports := m.vm.NewObject(), m.vm.NewObject()
	if err := module.Set("exports", exports); err != nil {
		return nil, err
	}
	if key != "" {
		m.modules[key] = exports // for files that require each other
	}
	args := []goja.Value{exports, m.require, module}
	if native != nil {
		args = append(args, native)
	}
	if _, err := fn(exports, args...); err != nil {
		delete(m.modules, key)
		return nil, err
	}
	result := module.Get("exports")
	if key != "" {
		m.modules[key] = result
	}
	return result, nil
}

// random is behind Math.random.
func random() float64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53)
}
