package actions_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/actions"
)

// handler is an action whose function has body.
func handler(body string) []actions.Action {
	return one("exports.onExecutePostLogin = async (event, api) => {" + body + "};")
}

// fine is what a log-in after an attack has to bring.
func fine(t *testing.T, r *actions.Runner) {
	t.Helper()
	got, err := r.PostLogin(t.Context(), handler(`api.idToken.setCustomClaim('fine', ({}).polluted === undefined)`), loginEvent(), actions.Flow{})
	if err != nil || got.IDToken["fine"] != true {
		t.Errorf("after the attack: %v, %v", got, err)
	}
}

// Each attack ends in an error of its kind, soon, and the next log-in works.
func TestIDP22_limits(t *testing.T) {
	attacks := []struct {
		name, body string
		kind       error
		worker     bool // not to be tried in this process
	}{
		{name: "loop", body: `for (;;) {}`, kind: actions.ErrTimeout},
		{name: "loop in a finally", body: `try { for (;;) {} } finally { for (;;) {} }`, kind: actions.ErrTimeout},
		{name: "loop of promises", body: `const f = () => { Promise.resolve().then(f); }; f(); await new Promise(() => {});`, kind: actions.ErrTimeout},
		{name: "chain of promises", body: `const f = () => Promise.resolve().then(f); await f();`, kind: nil, worker: true}, // out of time or memory, whichever is first
		{name: "loop of timers", body: `await new Promise(() => setInterval(() => { for (let i = 0; i < 1e5; i++); }, 0));`, kind: actions.ErrTimeout},
		{name: "loop in toJSON", body: `api.idToken.setCustomClaim('a', {toJSON() { for (;;) {} }});`, kind: actions.ErrTimeout},
		{name: "loop in an error", body: `throw {get message() { for (;;) {} }};`, kind: nil},
		{name: "recursion", body: `const f = () => f() + 1; f();`, kind: actions.ErrThrown},
		{name: "recursion of getters", body: `const o = {get a() { return this.a; }}; o.a;`, kind: actions.ErrThrown},
		{name: "recursion of toString", body: `const o = {toString() { return '' + this; }}; '' + o;`, kind: actions.ErrThrown},
		{name: "never settles", body: `await new Promise(() => {});`, kind: actions.ErrUnsettled},
		{name: "sleeps", body: `await new Promise((resolve) => setTimeout(resolve, 60000));`, kind: actions.ErrTimeout},
		{name: "regexp, linear", body: `/(a+)+$/.test('a'.repeat(50) + '!'); for (;;) {}`, kind: actions.ErrTimeout},
		{name: "regexp, backtracking", body: `if (/^(?=a)(a+)+\1$/.test('a'.repeat(40) + '!')) return;`, kind: actions.ErrTimeout, worker: true},
		{name: "timers", body: `for (;;) setTimeout(() => {}, 1e6);`, kind: actions.ErrThrown},
		{name: "records", body: `for (let i = 0; ; i++) api.user.setAppMetadata('k' + i, 'v'.repeat(1e5));`, kind: actions.ErrLimit},
		{name: "claims", body: `api.idToken.setCustomClaim('a', 'x'.repeat(150000));`, kind: actions.ErrLimit},
		{name: "memory by doubling", body: `let s = 'ab'; for (;;) s += s;`, kind: nil, worker: true},
		{name: "memory by pushing", body: `const a = []; for (;;) a.push(new Array(1000).fill(1));`, kind: nil, worker: true},
		{name: "memory by repeat", body: `globalThis.x = 'x'.repeat(2 ** 40);`, kind: nil, worker: true},
		{name: "memory by repeat, possible", body: `globalThis.x = 'xy'.repeat(2 ** 29); for (;;) {}`, kind: nil, worker: true},
		{name: "memory by padding", body: `globalThis.x = 'x'.padStart(2 ** 31 - 1, 'ab'); for (;;) {}`, kind: nil, worker: true},
		{name: "memory by buffer", body: `globalThis.x = new ArrayBuffer(2 ** 40);`, kind: nil, worker: true},
		{name: "memory by join", body: `globalThis.x = new Array(2 ** 28).join('abcdefgh'); for (;;) {}`, kind: nil, worker: true},
		{name: "memory by JSON", body: `let a = []; for (let i = 0; i < 30; i++) a = [a, a]; JSON.stringify(a);`, kind: nil, worker: true},
		{name: "memory by BigInt", body: `globalThis.x = 2n ** (2n ** 36n);`, kind: nil, worker: true},
		{name: "BigInt", body: `globalThis.x = (7n ** 3000000n).toString().length; for (;;) {}`, kind: nil, worker: true},
		{name: "array-like without end", body: `Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 1);`, kind: actions.ErrTimeout, worker: true},
		{name: "nested proxies", body: `let p = {}; for (let i = 0; i < 1e6; i++) p = new Proxy(p, {}); p.x; for (;;) {}`, kind: nil, worker: true},
		{name: "nested arrays", body: `let a = []; for (let i = 0; i < 2e6; i++) a = [a]; String(a); for (;;) {}`, kind: nil, worker: true},
	}
	run := func(t *testing.T, r *actions.Runner, body string, kind error) {
		start := time.Now()
		got, err := r.PostLogin(t.Context(), handler(body), loginEvent(), actions.Flow{})
		if err == nil || kind != nil && !errors.Is(err, kind) {
			t.Errorf("got %v, %v; want %v", got, err, kind)
		}
		if took := time.Since(start); took > 60*time.Second { // whatever else the machine does: most would take for ever
			t.Errorf("it took %v", took)
		}
		fine(t, r)
	}
	cfg := actions.Config{Timeout: 5 * time.Second, CPU: 300 * time.Millisecond, MaxMemory: 128 << 20, MaxConcurrent: 2}
	t.Run("in process", func(t *testing.T) {
		r := newRunner(t, cfg)
		for _, tt := range attacks {
			if !tt.worker {
				t.Run(tt.name, func(t *testing.T) { run(t, r, tt.body, tt.kind) })
			}
		}
	})
	t.Run("worker", func(t *testing.T) {
		cfg := cfg
		cfg.Worker = workerCommand
		r := newRunner(t, cfg)
		for _, tt := range attacks {
			t.Run(tt.name, func(t *testing.T) { run(t, r, tt.body, tt.kind) })
		}
	})
}

// What outgrows its memory is stopped by the limit of memory, not by luck.
func TestIDP22_memory(t *testing.T) {
	r := newRunner(t, actions.Config{Worker: workerCommand, MaxMemory: 96 << 20, Timeout: time.Minute, CPU: 5 * time.Second, MaxConcurrent: 1})
	for _, body := range []string{
		`let s = 'ab'; for (;;) s += s;`,
		`const a = []; for (;;) a.push(new Array(1000).fill(1));`,
		`const m = new Map(); for (let i = 0; ; i++) m.set(i, {i});`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := r.PostLogin(t.Context(), handler(body), loginEvent(), actions.Flow{})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, actions.ErrMemory) && !errors.Is(err, actions.ErrWorker) {
			t.Errorf("%s: %v", body, err)
		}
		if here := after.TotalAlloc - before.TotalAlloc; here > 1<<20 {
			t.Errorf("%s: this process took %d bytes meanwhile, and the heap grew by %d:\n%s", body, here, int64(after.HeapSys)-int64(before.HeapSys), stacks())
		}
		t.Log(err)
		fine(t, r)
	}
}

// stacks says what the goroutines of this process do.
func stacks() []byte {
	text := make([]byte, 1<<20)
	return text[:runtime.Stack(text, true)]
}

// A slow cache is not the action's time: it computes nothing meanwhile. Neither
// is that of a machine that does something else.
func TestIDP22_timeOfOthers(t *testing.T) {
	for name, worker := range map[string]func() *exec.Cmd{"in process": nil, "worker": workerCommand} {
		t.Run(name, func(t *testing.T) {
			r := newRunner(t, actions.Config{Worker: worker, Timeout: time.Minute, CPU: 300 * time.Millisecond, Cache: slowCache{actions.NewCache(time.Now)}})
			got, err := r.PostLogin(t.Context(), handler(`api.cache.get('k'); api.idToken.setCustomClaim('done', true)`), loginEvent(), actions.Flow{})
			if err != nil || got.IDToken["done"] != true {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// A slowCache is one that is far away.
type slowCache struct{ actions.Cache }

func (slowCache) Get(context.Context, string, string) (string, time.Time, bool, error) {
	time.Sleep(500 * time.Millisecond)
	return "", time.Time{}, false, nil
}

func TestIDP22_memoryInProcess(t *testing.T) {
	r := newRunner(t, actions.Config{MaxMemory: 64 << 20, CPU: 5 * time.Second})
	_, err := r.PostLogin(t.Context(), handler(`const a = []; for (;;) a.push(new ArrayBuffer(1e6));`), loginEvent(), actions.Flow{})
	if !errors.Is(err, actions.ErrMemory) {
		t.Error(err)
	}
	fine(t, r)
}

func TestIDP22_workerThatEnds(t *testing.T) {
	for name, command := range map[string]func() *exec.Cmd{
		"absent": func() *exec.Cmd { return exec.Command("/nonexistent/worker") },
		"silent": func() *exec.Cmd { return exec.Command("false") },
		"other":  func() *exec.Cmd { return exec.Command("echo", "hello, this is no worker") },
		"none":   func() *exec.Cmd { return nil },
	} {
		r := newRunner(t, actions.Config{Worker: command})
		if _, err := r.PostLogin(t.Context(), handler(``), loginEvent(), actions.Flow{}); !errors.Is(err, actions.ErrWorker) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Deep nesting must not end the process that parses it.
func TestIDP22_nesting(t *testing.T) {
	r := newRunner(t, actions.Config{Worker: workerCommand, CPU: 300 * time.Millisecond})
	for _, code := range []string{
		strings.Repeat("(", actions.MaxCode), strings.Repeat("[", actions.MaxCode-9) + "x",
		"x=" + strings.Repeat("!", actions.MaxCode-9) + "1", strings.Repeat("{", actions.MaxCode),
		strings.Repeat("a=>", actions.MaxCode/3-1) + "1",
	} {
		a := action(code)
		if err := r.Compile(t.Context(), a, actions.TriggerPostLogin); err == nil {
			t.Errorf("%.20s…: no error", code)
		}
		a.Modules = map[string]string{"m": strings.Repeat(code[:1], 900<<10)}
		if err := r.Compile(t.Context(), a, actions.TriggerPostLogin); err == nil {
			t.Errorf("%.20s… as a module: no error", code)
		}
	}
	fine(t, r)
	inProcess := newRunner(t, actions.Config{Timeout: time.Minute, CPU: 300 * time.Millisecond, MaxConcurrent: 1})
	if err := inProcess.Compile(t.Context(), action(strings.Repeat("(", actions.MaxCode)), actions.TriggerPostLogin); err == nil {
		t.Error("in process: no error")
	}
	fine(t, inProcess) // A parser cannot be stopped, and keeps its place until it has ended.
}

// A worker ends with its parent, whatever it does.
func TestIDP22_orphan(t *testing.T) {
	for name, input := range map[string]string{"nothing": "", "no greeting": "\x00\x00\x00\x02{}", "garbage": "garbage garbage"} {
		cmd := workerCommand()
		cmd.Stdin = strings.NewReader(input)
		out, err := cmd.Output()
		if err == nil || len(out) != 0 {
			t.Errorf("%s: %q, %v; want an exit", name, out, err)
		}
	}
	greeting, job := `{"type":"hello","memory":100000000}`, `{"type":"start","job":{"code":"for (;;) {}","function":"f","wall":60000000000,"cpu":60000000000,"max_stack":100}}`
	cmd := workerCommand()
	cmd.Stdin = strings.NewReader(framed(greeting) + framed(job))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it goes on")
		_ = cmd.Process.Kill()
	}
}

func framed(text string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(text)))) + text
}

func TestIDP23_sandbox(t *testing.T) {
	r := newRunner(t, actions.Config{})
	for _, body := range []string{
		`require('fs')`, `require('child_process')`, `require('../x')`, `require('gate:api')`, `require('globals')`, `require('encoding')`,
		`require('__proto__')`, `require('constructor')`, `native.call('http', '{}')`, `process.binding('fs')`, `process.exit(1)`, `__dirname.length`,
	} {
		if _, err := r.PostLogin(t.Context(), handler(body), loginEvent(), actions.Flow{}); !errors.Is(err, actions.ErrThrown) && !errors.Is(err, actions.ErrModule) {
			t.Errorf("%s: %v", body, err)
		}
	}
	got, err := r.PostLogin(t.Context(), handler(`api.idToken.setCustomClaim('g', Function('return typeof native + typeof Go + typeof print')());
		api.idToken.setCustomClaim('env', Object.keys(process.env).length)`), loginEvent(), actions.Flow{})
	if err != nil || got.IDToken["g"] != "undefinedundefinedundefined" || got.IDToken["env"] != 0.0 {
		t.Error(got, err)
	}
}

// Code that replaces what it finds harms itself alone.
func TestIDP22_tampering(t *testing.T) {
	r := newRunner(t, actions.Config{})
	_, err := r.PostLogin(t.Context(), one(`
		Object.prototype.polluted = 1; JSON.stringify = () => '{'; JSON.parse = () => ({}); Promise.prototype.then = () => {};
		Array.prototype.push = () => {}; globalThis.Error = null; Object.defineProperty = null; globalThis.Promise = null;
		exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('a', {b: 1}); throw new TypeError('x'); };`),
		loginEvent(), actions.Flow{})
	if !errors.Is(err, actions.ErrThrown) {
		t.Error(err)
	}
	fine(t, r)
}

func TestError(t *testing.T) {
	r := newRunner(t, actions.Config{})
	for _, tt := range []struct {
		code, want string
		line, col  int
		kind       error
	}{
		{code: "exports.onExecutePostLogin = async (event) => {\n  await null;\n  event.nothing.at.all;\n};", want: "TypeError: Cannot read property 'at' of undefined", line: 3, col: 17, kind: actions.ErrThrown},
		{code: "exports.onExecutePostLogin = () => { throw new RangeError('far'); };", want: "RangeError: far", line: 1, col: 44, kind: actions.ErrThrown},
		{code: "exports.onExecutePostLogin = () => { throw 'text'; };", want: "text", line: 1, col: 38, kind: actions.ErrThrown},
		{code: "exports.onExecutePostLogin = () => Promise.reject();", want: "undefined", kind: actions.ErrThrown},
		{code: "exports.onExecutePostLogin = (e) => { throw new Error('key ' + e.secrets.KEY); };", want: "Error: key [secret KEY]", line: 1, col: 45, kind: actions.ErrThrown},
		{code: "throw new Error('at once');", want: "Error: at once", line: 1, col: 7, kind: actions.ErrThrown},
		{code: "exports.onExecutePostlogin = () => {};", want: "exports.onExecutePostLogin is not a function", kind: actions.ErrExport},
		{code: "\n\n  let 1;", want: "Unexpected number", line: 3, col: 7, kind: actions.ErrSyntax},
		{code: "const a = 1; const a = 2;", want: "already been declared", line: 1, kind: actions.ErrSyntax},
		{code: "exports.onExecutePostLogin = (e, api) => api.nothing();", want: "TypeError: Object has no member 'nothing'", line: 1, col: 53, kind: actions.ErrThrown},
		{code: "exports.onExecutePostLogin = (e, api) => { api.prompt.render('p'); };", want: "api.prompt.render", kind: actions.ErrUnsupported},
		{code: "exports.onExecutePostLogin = (e, api) => { api.access.deny({}); };", want: "api.access.deny", kind: actions.ErrUnsupported},
	} {
		a := action(tt.code)
		a.Secrets = map[string]string{"KEY": "open sesame"}
		_, err := r.PostLogin(t.Context(), []actions.Action{a}, loginEvent(), actions.Flow{})
		e, ok := errors.AsType[*actions.Error](err)
		if !ok || !errors.Is(err, tt.kind) || e.Action != "test" || !strings.Contains(e.Message, tt.want) {
			t.Errorf("%s: got %v", tt.code, err)
			continue
		}
		if e.Line != tt.line || tt.col != 0 && e.Column != tt.col {
			t.Errorf("%s: got %d:%d, want %d:%d", tt.code, e.Line, e.Column, tt.line, tt.col)
		}
	}
}

func TestIDP23_secretsInConsole(t *testing.T) {
	var said lines
	var log bytes.Buffer
	r := newRunner(t, actions.Config{Console: said.add, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	a := handler(`
		const k = event.secrets.API_KEY;
		console.log(k); console.info('key', k); console.warn({k, n: [k]}); console.error(new Error(k).message);
		console.debug(encodeURIComponent(k)); console.log(JSON.stringify(k)); console.log('%s %d', 'a', 1, {b: 2}); throw new Error(k);`)
	a[0].Secrets = map[string]string{"API_KEY": `s3cret "value"/1`, "SHORT": "1"}
	_, err := r.PostLogin(t.Context(), a, loginEvent(), actions.Flow{})
	if err == nil {
		t.Fatal("no error")
	}
	all := strings.Join(said, "\n") + log.String() + err.Error()
	if strings.Contains(all, "s3cret") {
		t.Error("a secret is in", all)
	}
	for _, want := range []string{"info: [secret API_KEY]", "info: key [secret API_KEY]", "error: [secret API_KEY]", "info: a 1 { b: 2 }"} {
		if !said.has(want) {
			t.Errorf("%q is not in %q", want, said)
		}
	}
}

func TestIDP22_console(t *testing.T) {
	var size int
	r := newRunner(t, actions.Config{CPU: actions.MaxCPU, Console: func(_ context.Context, e actions.ConsoleEntry) { size += len(e.Text) }})
	if _, err := r.PostLogin(t.Context(), handler(`for (let i = 0; i < 100; i++) console.log('x'.repeat(1000));`), loginEvent(), actions.Flow{}); err != nil {
		t.Fatal(err)
	}
	if size > actions.MaxConsole+100 || size < actions.MaxConsole/2 {
		t.Errorf("%d bytes", size)
	}
}

func TestNew_refused(t *testing.T) {
	for name, cfg := range map[string]actions.Config{
		"neither": {}, "both": {InProcess: true, Worker: workerCommand},
		"cpu":  {InProcess: true, CPU: time.Minute},
		"host": {InProcess: true, AllowedHosts: []string{"*"}}, "tld": {InProcess: true, AllowedHosts: []string{"*.com"}},
		"url": {InProcess: true, AllowedHosts: []string{"https://a.example/"}}, "empty": {InProcess: true, AllowedHosts: []string{""}},
		"negative": {InProcess: true, MaxCalls: -1},
	} {
		if r, err := actions.New(cfg); err == nil {
			t.Errorf("%s: %v", name, r)
		}
	}
}

func TestClose(t *testing.T) {
	r := newRunner(t, actions.Config{Worker: workerCommand})
	fine(t, r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.PostLogin(t.Context(), handler(``), loginEvent(), actions.Flow{}); !errors.Is(err, actions.ErrClosed) {
		t.Error(err)
	}
}

// IDP-22: whoever waits for longer than it may has not waited. A timer that goes
// off beside the end of the action would skip what stands before the wait.
func TestIDP22_sleepIsNoSuccess(t *testing.T) {
	r, err := actions.New(actions.Config{InProcess: true, Timeout: 20 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	code := `exports.onExecutePostLogin = async (event, api) => {
		await new Promise((done) => setTimeout(done, 60000));
		api.access.deny('never');
	};`
	for range 40 {
		result, err := r.PostLogin(t.Context(), []actions.Action{{ID: "a", Name: "a", Code: code}}, actions.PostLoginEvent{}, actions.Flow{})
		if err == nil {
			t.Fatalf("it waited a minute in 20 ms: %+v", result)
		}
	}
}
