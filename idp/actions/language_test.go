package actions_test

import (
	"errors"
	"testing"

	"github.com/gatewright/gate/idp/actions"
)

// Each snippet is an expression that has to be true.
func TestLanguage(t *testing.T) {
	r := newRunner(t, actions.Config{})
	for name, expression := range map[string]string{
		"spread":          `[...[1, 2], 3].length === 3 && {...{a: 1}, b: 2}.a === 1`,
		"optional":        `({a: null}).a?.b?.() === undefined`,
		"nullish":         `(null ?? 4) === 4`,
		"logical assign":  `(() => { let a; a ??= 3; a ||= 4; a &&= 5; return a; })() === 5`,
		"class fields":    `(() => { class A { x = 1; #y = 2; static z = 3; #m() { return this.#y; } get y() { return this.#m(); } } return new A().y + A.z + new A().x; })() === 6`,
		"static block":    `(() => { class A { static x; static { A.x = 5; } } return A.x; })() === 5`,
		"named groups":    `/(?<year>\d{4})/.exec('in 2024').groups.year === '2024'`,
		"lookbehind":      `'a1b2'.replace(/(?<=a)1/, 'x') === 'axb2'`,
		"dotAll":          `/a.b/s.test('a\nb')`,
		"sticky unicode":  `/\u{1F600}/u.test('\u{1F600}')`,
		"matchAll":        `[...'a1b2'.matchAll(/\d/g)].length === 2`,
		"replaceAll":      `'aaa'.replaceAll('a', 'b') === 'bbb'`,
		"at":              `[1, 2, 3].at(-1) === 3 && 'abc'.at(-1) === 'c'`,
		"flat":            `[[1], [2, [3]]].flat(2).length === 3 && [1].flatMap((x) => [x, x]).length === 2`,
		"fromEntries":     `Object.fromEntries([['a', 1]]).a === 1`,
		"hasOwn":          `Object.hasOwn({a: 1}, 'a')`,
		"bigint":          `2n ** 64n === 18446744073709551616n`,
		"numeric":         `1_000 === 1000`,
		"generators":      `[...(function* () { yield 1; yield 2; })()].length === 2`,
		"destructuring":   `(function ({a, ...rest}, [b = 2] = []) { return rest.c + b; })({a: 1, c: 3}) === 5`,
		"tagged template": "((s, ...v) => s.raw[0] + v[0])`x${1}` === 'x1'",
		"catch binding":   `(() => { try { throw 1; } catch { return true; } })()`,
		"exponent":        `2 ** 3 === 8`,
		"symbol":          `Symbol('x').description === 'x'`,
		"proxy":           `new Proxy({}, {get: () => 7}).x === 7`,
		"allSettled":      `(await Promise.allSettled([Promise.reject(1), 2])).length === 2`,
		"any":             `(await Promise.any([Promise.reject(1), 2])) === 2`,
		"await in loop":   `await (async () => { let n = 0; for (const p of [Promise.resolve(1), 2]) n += await p; return n; })() === 3`,
		"error cause":     `new Error('a', {cause: 1}).cause === 1`,
		"weakref":         `new WeakMap([[globalThis, 1]]).get(globalThis) === 1`,
		"globalThis":      `typeof globalThis === 'object' && global === globalThis`,
		"date":            `new Date('2024-02-29T10:00:00Z').toISOString() === '2024-02-29T10:00:00.000Z'`,
		"locale":          `new Date(0).toLocaleDateString('en-US').length > 0`,
		"findLast":        `[1, 2, 3].findLast((x) => x < 3) === 2`,
		"toSorted":        `[3, 1].toSorted()[0] === 1`,
		"structuredClone": `(() => { const a = {d: new Date(0), m: new Map([[1, {b: 2}]])}; const b = structuredClone(a); return b.m.get(1).b === 2 && b.m !== a.m; })()`,
		"label":           `(() => { a: for (;;) { for (;;) break a; } return true; })()`,
		"getter":          `({get a() { return 1; }}).a === 1`,
		"string raw":      "String.raw`\\n`.length === 2",
		"private in":      `(() => { class A { #x; static has(o) { return #x in o; } } return A.has(new A()); })()`,
		"new.target":      `(() => { function F() { return new.target === F; } return Boolean(new F()); })()`,
		"this is exports": `thisIsExports`,
		"Intl":            `typeof Intl === 'undefined' || true`,
		"groupBy":         `typeof Object.groupBy === 'function' || true`,
		"timers":          `await new Promise((resolve) => { const i = setInterval(() => { clearInterval(i); setImmediate(() => setTimeout(resolve, 1, true)); }, 1); })`,
		"microtask":       `await new Promise((resolve) => queueMicrotask(() => resolve(true)))`,
		"nextTick":        `await new Promise((resolve) => process.nextTick(resolve, true))`,
		"env":             `Object.keys(process.env).length === 0`,
	} {
		t.Run(name, func(t *testing.T) {
			code := `const thisIsExports = this === exports;
				exports.onExecutePostLogin = async (event, api) => { if (!(` + expression + `)) throw new Error('false'); };`
			if _, err := r.PostLogin(t.Context(), one(code), loginEvent(), actions.Flow{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLanguage_refused(t *testing.T) {
	r := newRunner(t, actions.Config{})
	for name, code := range map[string]string{
		"import":          `import axios from 'axios';`,
		"export":          `export const a = 1;`,
		"for await":       `exports.onExecutePostLogin = async () => { for await (const x of []) {} };`,
		"async generator": `exports.onExecutePostLogin = async () => { (async function* () {})(); };`,
		"array pattern":   `exports.onExecutePostLogin = (event, [a = 1] = []) => a;`, // of an arrow's second parameter
		"regexp":          `exports.onExecutePostLogin = () => /(/;`,
		"brace":           `exports.onExecutePostLogin = () => {}; }); (function () {`,
	} {
		t.Run(name, func(t *testing.T) {
			err := r.Compile(t.Context(), action("\n"+code), actions.TriggerPostLogin)
			e, ok := errors.AsType[*actions.Error](err)
			if !ok || !errors.Is(err, actions.ErrSyntax) || name != "brace" && e.Line != 2 {
				t.Errorf("got %v, want a syntax error in line 2", err)
			}
		})
	}
}
