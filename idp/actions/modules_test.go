package actions_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/jose"
)

func TestModules_values(t *testing.T) {
	r := newRunner(t, actions.Config{})
	for name, tt := range map[string]struct {
		code string
		want any
	}{
		"buffer":           {`Buffer.from('grüße').toString('base64')`, "Z3LDvMOfZQ=="},
		"buffer url":       {`Buffer.from('??>>').toString('base64url') + Buffer.from('Pz8-Pg', 'base64').toString()`, "Pz8-Pg??>>"},
		"buffer hex":       {`Buffer.from('00ff', 'hex').toString('hex') + Buffer.concat([Buffer.from([1]), Buffer.from('b')]).toString('hex')`, "00ff0162"},
		"buffer slice":     {`Buffer.from('hello').slice(1, 3).toString() + Buffer.from('hello').subarray(3).toString('hex')`, "el6c6f"},
		"buffer latin1":    {`Buffer.from('\u00ff', 'latin1').length + Buffer.byteLength('\u00ff')`, 3.0},
		"buffer JSON":      {`JSON.stringify(Buffer.from('a'))`, `{"type":"Buffer","data":[97]}`},
		"buffer equal":     {`Buffer.from('a').equals(Buffer.from('a')) && Buffer.isBuffer(Buffer.alloc(2)) && !Buffer.isBuffer(new Uint8Array(1))`, true},
		"buffer bounded":   {`(() => { try { Buffer.alloc(1e10); } catch (e) { return e.name; } })()`, "RangeError"},
		"atob":             {`btoa('abc') + atob('YWJj')`, "YWJjabc"},
		"text":             {`new TextDecoder().decode(new TextEncoder().encode('grüße'))`, "grüße"},
		"URL":              {`(() => { const u = new URL('/a?b=1#c', 'https://u:p@Host.example:8443/x'); u.searchParams.append('d', 'e f'); return [u.href, u.origin, u.host, u.pathname, u.search, u.hash, u.username]; })()`, []any{"https://u:p@host.example:8443/a?b=1&d=e+f#c", "https://host.example:8443", "host.example:8443", "/a", "?b=1&d=e+f", "#c", "u"}},
		"URL default":      {`new URL('https://h.example:443').href`, "https://h.example/"},
		"URL invalid":      {`(() => { try { new URL('nope'); } catch (e) { return e.code; } })()`, "ERR_INVALID_URL"},
		"params":           {`[...new URLSearchParams('a=1&a=2&b=%20+')].map(([k, v]) => k + v).join()`, "a1,a2,b  "},
		"params object":    {`new URLSearchParams({a: 'x&y', b: 1}).toString()`, "a=x%26y&b=1"},
		"querystring":      {`require('querystring').stringify({a: ['1', '2'], b: 'c d'}) + require('querystring').parse('a=1&a=2').a.length`, "a=1&a=2&b=c%20d2"},
		"url module":       {`require('url').parse('https://h.example/p?a=b', true).query.a + require('node:url').format({protocol: 'https', host: 'h.example', pathname: '/x', query: {a: 1}})`, "bhttps://h.example/x?a=1"},
		"hash":             {`require('crypto').createHash('sha256').update('a').update('b').digest('hex')`, "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"},
		"md5":              {`require('crypto').createHash('md5').update('a@example.com').digest('base64')`, "tBh3OixR+5d3oWSDRvpzlA=="},
		"hmac":             {`require('crypto').createHmac('sha256', 'key').update('data').digest('hex')`, "5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0"},
		"random":           {`require('crypto').randomBytes(16).length + crypto.getRandomValues(new Uint8Array(4)).length + require('crypto').randomInt(1, 2)`, 21.0},
		"randomUUID":       {`require('uuid').validate(crypto.randomUUID()) && require('uuid').version(require('uuid').v4()) === 4 && require('uuid').version(require('uuid').v7()) === 7`, true},
		"uuid v5":          {`require('uuid').v5('hello.example.com', require('uuid').v5.DNS)`, "fdda765f-fc57-5604-a269-52a7df8164ec"},
		"timingSafeEqual":  {`require('crypto').timingSafeEqual(Buffer.from('a'), Buffer.from('a'))`, true},
		"promisify":        {`await require('util').promisify((a, done) => done(null, a + 1))(1)`, 2.0},
		"format":           {`require('util').format('%s %d %j', 'a', 1, {b: 2})`, `a 1 {"b":2}`},
		"inspect":          {`require('util').inspect({a: [1, {b: new Map([[1, 2]])}], s: "it's"})`, `{ a: [ 1, { b: Map(1) { 1 => 2 } } ], s: 'it\'s' }`},
		"events":           {`(() => { const E = require('events'); const e = new E(); let n = 0; e.once('a', (x) => { n += x; }); e.emit('a', 2); e.emit('a', 2); return n; })()`, 2.0},
		"ipaddr":           {`(() => { const ip = require('ipaddr.js'); return [ip.parse('10.1.2.3').range(), ip.parse('::1').kind(), ip.process('::ffff:1.2.3.4').toString(), ip.parse('2001:db8:0:0:1:0:0:1').match(ip.parseCIDR('2001:db8::/32')), ip.isValid('300.1.1.1'), ip.subnetMatch(ip.parse('192.168.3.4'), {home: [ip.parseCIDR('192.168.0.0/16')]})]; })()`, []any{"private", "ipv6", "1.2.3.4", true, false, "home"}},
		"ipaddr text":      {`['::', '::1', '2001:db8::1:0:0:1', 'fe80::1'].map((a) => require('ipaddr.js').parse(a).toString())`, []any{"::", "::1", "2001:db8::1:0:0:1", "fe80::1"}},
		"ipaddr mask":      {`require('ipaddr.js').IPv4.parse('255.255.240.0').prefixLengthFromSubnetMask()`, 20.0},
		"lodash":           {`(() => { const _ = require('lodash@4.17.21'); return [_.get({a: [{b: 1}]}, 'a[0].b'), _.isEmpty({}), _.uniq([1, 1]).length, _.pick({a: 1, b: 2}, ['a']).a, _.merge({a: {b: 1}}, {a: {c: 2}}).a.b, _.sortBy([{n: 2}, {n: 1}], 'n')[0].n, _.intersection([1, 2], [2]).length, _.camelCase('menu-admin role')]; })()`, []any{1.0, true, 1.0, 1.0, 1.0, 1.0, 1.0, "menuAdminRole"}},
		"lodash pollution": {`(() => { const _ = require('lodash'); _.set({}, '__proto__.x', 1); _.merge({}, JSON.parse('{"__proto__": {"x": 1}}')); _.set({}, 'constructor.prototype.x', 1); return ({}).x === undefined; })()`, true},
		"same module":      {`require('lodash') === require('lodash@4')`, true},
		"missing":          {`(() => { try { require('left-pad'); } catch (e) { return [e.code, e instanceof Error]; } })()`, []any{"MODULE_NOT_FOUND", true}},
		"jwt":              {`(() => { const jwt = require('jsonwebtoken'); const t = jwt.sign({a: 1}, 'secret', {expiresIn: '1h', issuer: 'me', audience: ['x', 'y'], keyid: 'k'}); const p = jwt.verify(t, 'secret', {issuer: 'me', audience: 'y'}); return [p.a, p.exp - p.iat, jwt.decode(t, {complete: true}).header]; })()`, []any{1.0, 3600.0, map[string]any{"alg": "HS256", "typ": "JWT", "kid": "k"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := claim(t, r, `exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('got', `+tt.code+`); };`, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJSONWebToken_refused(t *testing.T) {
	private, public := rsaPEM(t)
	r := newRunner(t, actions.Config{})
	for name, tt := range map[string]struct{ code, want string }{
		"none":             {`jwt.verify(b64({alg: 'none'}) + '.' + b64({a: 1}) + '.', 'secret')`, "JsonWebTokenError: invalid algorithm"},
		"none allowed":     {`jwt.verify(b64({alg: 'none'}) + '.' + b64({a: 1}) + '.', 'secret', {algorithms: ['none']})`, `JsonWebTokenError: algorithm "none" is not supported`},
		"other secret":     {`jwt.verify(jwt.sign({}, 'a'), 'b')`, "JsonWebTokenError: invalid signature"},
		"no secret":        {`jwt.verify(jwt.sign({}, 'a'), '')`, "JsonWebTokenError: secret or public key must be provided"},
		"confused key":     {`jwt.verify(jwt.sign({}, 'a', {algorithm: 'HS256'}), PUBLIC, {algorithms: ['HS256', 'RS256']})`, "JsonWebTokenError: the key does not fit the algorithm"},
		"sign with public": {`jwt.sign({}, PUBLIC, {algorithm: 'HS256'})`, "Error: the key does not fit the algorithm"},
		"HS for RS":        {`jwt.verify(jwt.sign({}, 'a'), PUBLIC)`, "JsonWebTokenError: invalid algorithm"},
		"expired":          {`jwt.verify(jwt.sign({exp: 1}, 'a'), 'a')`, "TokenExpiredError: jwt expired"},
		"early":            {`jwt.verify(jwt.sign({}, 'a', {notBefore: '1h'}), 'a')`, "NotBeforeError: jwt not active"},
		"audience":         {`jwt.verify(jwt.sign({aud: 'x'}, 'a'), 'a', {audience: 'y'})`, "JsonWebTokenError: jwt audience invalid. expected: y"},
		"malformed":        {`jwt.verify('a.b', 'a')`, "JsonWebTokenError: jwt malformed"},
		"RS256":            {`(() => { const t = jwt.sign({a: 1}, PRIVATE, {algorithm: 'RS256'}); if (jwt.verify(t, PUBLIC).a !== 1) throw 1; return jwt.verify(t.slice(0, -8) + 'AAAAAAAA', PUBLIC); })()`, "JsonWebTokenError: invalid signature"},
	} {
		a := one(`const jwt = require('jsonwebtoken'); const b64 = (v) => Buffer.from(JSON.stringify(v)).toString('base64url');
			exports.onExecutePostLogin = async (event, api) => { const PUBLIC = event.secrets.PUBLIC, PRIVATE = event.secrets.PRIVATE;
				try { ` + tt.code + `; } catch (e) { api.idToken.setCustomClaim('got', e.name + ': ' + e.message); } };`)
		a[0].Secrets = map[string]string{"PUBLIC": public, "PRIVATE": private}
		got, err := r.PostLogin(t.Context(), a, loginEvent(), actions.Flow{})
		if err != nil || got.IDToken["got"] != tt.want {
			t.Errorf("%s: got %v, %v, want %s", name, got.IDToken, err, tt.want)
		}
	}
}

func rsaPEM(t *testing.T) (private, public string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestJWKS(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jose.NewPrivateKey("k1", jose.ES256, private)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"keys":[`+string(jwk)+`]}`) }}
	got, err := claim(t, s.runner(t, "issuer.example"), `
		const jwt = require('jsonwebtoken'); const jwksClient = require('jwks-rsa');
		exports.onExecutePostLogin = async (event, api) => {
			const client = jwksClient({ jwksUri: 'https://issuer.example/.well-known/jwks.json' });
			const getKey = (header, done) => client.getSigningKey(header.kid, (err, key) => done(err, key && key.getPublicKey()));
			const token = jwt.sign({a: 1}, event.secrets.KEY, {algorithm: 'ES256', keyid: 'k1'});
			const p = await new Promise((resolve, reject) => jwt.verify(token, getKey, {}, (err, p) => (err ? reject(err) : resolve(p))));
			const other = await client.getSigningKey('k2').catch((e) => e.name);
			api.idToken.setCustomClaim('got', p.a + other); };`,
		map[string]string{"KEY": string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))})
	if err != nil || got != "1SigningKeyNotFoundError" || len(s.requests) != 1 {
		t.Error(got, err, s.requests)
	}
}

func TestCompile(t *testing.T) {
	r := newRunner(t, actions.Config{})
	for name, tt := range map[string]struct {
		action actions.Action
		kind   error
		line   int
	}{
		"fine":            {action: action(redirectAction)},
		"versions":        {action: action(`const a = require('auth0@2.9.1'), b = require('node:crypto'); exports.onExecutePostLogin = () => {};`)},
		"unknown":         {action: action("\nexports.onExecutePostLogin = () => { const s = require('stripe'); };"), kind: actions.ErrModule, line: 2},
		"unknown, async":  {action: action("exports.onExecutePostLogin = async () => {\n\n if (a) { f(() => [{b: require(\"stripe\")}]) } };"), kind: actions.ErrModule, line: 3},
		"bundled":         {action: actions.Action{Code: `exports.onExecutePostLogin = require('stripe@8').f;`, Modules: map[string]string{"stripe": `module.exports = {f() { return require('lodash'); }};`}}},
		"bundled, nested": {action: actions.Action{Code: `exports.onExecutePostLogin = require('actions:a').f;`, Modules: map[string]string{"actions:a": `module.exports = require('b');`, "b": `exports.f = () => {}; exports.a = require('actions:a');`}}},
		"bundled unknown": {action: actions.Action{Code: `exports.onExecutePostLogin = () => {};`, Modules: map[string]string{"a": `require('fs')`}}, kind: actions.ErrModule, line: 1},
		"bundled syntax":  {action: actions.Action{Code: `exports.onExecutePostLogin = () => {};`, Modules: map[string]string{"a": `(`}}, kind: actions.ErrSyntax, line: 2},
		"other export":    {action: action(`exports.onExecuteCredentialsExchange = () => {};`), kind: actions.ErrExport},
		"no function":     {action: action(`exports.onExecutePostLogin = 1;`), kind: actions.ErrExport},
		"empty":           {action: action(``), kind: actions.ErrExport},
		"throws at once":  {action: action(`undefined.x`), kind: actions.ErrThrown, line: 1},
		"loops at once":   {action: action(`for (;;) {}`), kind: actions.ErrTimeout, line: 1},
		"fetches at once": {action: action(`fetch('https://h.example/'); exports.onExecutePostLogin = () => {};`)},
		"too long":        {action: action(string(make([]byte, actions.MaxCode+1))), kind: actions.ErrLimit},
		"module.exports":  {action: action(`module.exports = { onExecutePostLogin: async () => {} };`)},
		"class":           {action: action(`class A { #x = 1; static async f() { return new A().#x; } } exports.onExecutePostLogin = A.f;`)},
	} {
		err := r.Compile(t.Context(), tt.action, actions.TriggerPostLogin)
		if !errors.Is(err, tt.kind) {
			t.Errorf("%s: got %v, want %v", name, err, tt.kind)
			continue
		}
		if e, ok := errors.AsType[*actions.Error](err); ok && e.Line != tt.line {
			t.Errorf("%s: line %d, want %d", name, e.Line, tt.line)
		}
	}
	if err := r.Compile(t.Context(), action(``), "send-phone-message"); err == nil {
		t.Error("a trigger that is not supported was compiled")
	}
	if names := actions.Modules(); !slices.IsSorted(names) || !slices.Contains(names, "ipaddr.js") {
		t.Error(names)
	}
}

func FuzzCompile(f *testing.F) {
	for _, code := range []string{userInToken, rolesInTokens, redirectAction, "(", "require('x')", "exports.onExecutePostLogin = /(?<a>)/;"} {
		f.Add(code)
	}
	r := newRunner(f, actions.Config{CPU: 1e8})
	f.Fuzz(func(t *testing.T, code string) {
		err := r.Compile(t.Context(), action(code), actions.TriggerPostLogin)
		if errors.Is(err, actions.ErrWorker) || err != nil && strings.Contains(err.Error(), "could not be stopped") {
			t.Errorf("%q: %v", code, err)
		}
	})
}
