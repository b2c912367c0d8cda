package account

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/accounts"
)

// MaxBody is how many bytes of a body [Flows.Handler] takes.
const MaxBody = 8 << 10

const maxField = 1 << 10 // bytes of a string in a body

// Handler returns the endpoints and pages below prefix, a path such as
// "/account". It stands behind a guard that lets strangers through:
//
//	mux.Handle("/account/", svc.Guard("cookie", "jwt").Optional().Protect(flows.Handler("/account")))
//
// The endpoints take JSON objects of at most 8 KiB with no member that they do
// not know, and answer JSON that no cache stores. Of these, anybody may use:
//
//	POST   /password/forgot        {email}                       202, always
//	POST   /password/reset         {token, password}             204
//	POST   /email/verification     {email}, or {} when logged in  202, always
//	POST   /email/confirm          {token}                       204
//	POST   /email/undo             {token}                       204
//
// and of these whoever is logged in:
//
//	PUT    /password               {currentPassword, password}   204
//	PUT    /email                  {email, currentPassword?}     202
//	GET    /sessions                                             200
//	DELETE /sessions                                             204, all others
//	DELETE /sessions/{id}                                        204
//	GET    /api-keys                                             200
//	POST   /api-keys               {name, scopes, expiresInDays?} 201, with the key
//	POST   /api-keys/{id}/rotate   {}                            201, with the key
//	DELETE /api-keys/{id}                                        204
//
// The member "email" of the first list is called [Config.LoginField]. A password
// that is refused is a 400 whose "errors" have the reasons under "password".
//
// The pages are for the links in letters: GET /reset, /verify, /email and /undo
// show who and what and change nothing, POST does it, refused when it comes from
// another site. They need no script.
func (f *Flows) Handler(prefix string) http.Handler {
	prefix = strings.TrimRight("/"+strings.Trim(prefix, "/"), "/")
	mux := http.NewServeMux()
	for path, methods := range f.routes() {
		mux.Handle(prefix+path, f.dispatch(methods))
	}
	mux.Handle("/", f.dispatch(nil))
	return mux
}

// serve answers a request, or returns why not.
type serve func(w http.ResponseWriter, r *http.Request) error

func (f *Flows) routes() map[string]map[string]serve {
	routes := map[string]map[string]serve{
		"/password":             {http.MethodPut: f.servePassword},
		"/sessions":             {http.MethodGet: f.serveSessions, http.MethodDelete: f.serveEndOthers},
		"/sessions/{id}":        {http.MethodDelete: f.serveEndSession},
		"/api-keys":             {http.MethodGet: f.serveKeys, http.MethodPost: f.serveCreateKey},
		"/api-keys/{id}":        {http.MethodDelete: f.serveRevokeKey},
		"/api-keys/{id}/rotate": {http.MethodPost: f.serveRotateKey},
	}
	if f.letters != nil { // else nobody has a token
		maps.Copy(routes, f.letters.routes())
	}
	return routes
}

// dispatch calls what serves the method, and answers what it returns.
func (f *Flows) dispatch(methods map[string]serve) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		r = withClient(r)
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		do, ok := methods[method]
		var err error
		switch {
		case ok:
			err = do(w, r)
		case len(methods) == 0:
			err = &gate.Error{Status: http.StatusNotFound}
		default:
			w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(methods)), ", "))
			err = &gate.Error{Status: http.StatusMethodNotAllowed}
		}
		if err != nil {
			gate.ErrorWriter{Logger: f.cfg.Logger}.Write(w, r, err)
		}
	})
}

// withClient adds the other end of the connection, unless a guard has: letters
// are counted by it.
func withClient(r *http.Request) *http.Request {
	if _, ok := gate.ClientFromContext(r.Context()); ok {
		return r
	}
	agent := r.UserAgent()
	c := gate.Client{UserAgent: strings.ToValidUTF8(agent[:min(len(agent), 256)], "")}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.Address = ap.Addr().Unmap()
	}
	return r.WithContext(gate.ContextWithClient(r.Context(), c))
}

func principal(r *http.Request) *gate.Principal {
	p, _ := gate.PrincipalFromContext(r.Context())
	return p
}

func (f *Flows) serveForgot(w http.ResponseWriter, r *http.Request) error {
	in, err := readBody(w, r, f.cfg.LoginField)
	if err != nil {
		return err
	}
	login, err := in.text(f.cfg.LoginField)
	if err != nil {
		return err
	}
	if err := f.Forgot(r.Context(), login); err != nil {
		return err
	}
	return accepted(w, "If there is such an account, a link to set a new password is on its way.")
}

func (f *Flows) serveReset(w http.ResponseWriter, r *http.Request) error {
	in, err := readBody(w, r, "token", "password")
	if err != nil {
		return err
	}
	token, newPassword, err := in.two("token", "password")
	if err != nil {
		return err
	}
	return done(w, f.Reset(r.Context(), token, newPassword))
}

func (f *Flows) servePassword(w http.ResponseWriter, r *http.Request) error {
	if err := f.person(principal(r)); err != nil {
		return err
	}
	in, err := readBody(w, r, "currentPassword", "password")
	if err != nil {
		return err
	}
	current, newPassword, err := in.two("currentPassword", "password")
	if err != nil {
		return err
	}
	return done(w, f.ChangePassword(r.Context(), principal(r), current, newPassword))
}

func (f *Flows) serveVerification(w http.ResponseWriter, r *http.Request) error {
	in, err := readBody(w, r, f.cfg.LoginField)
	if err != nil {
		return err
	}
	login, err := in.text(f.cfg.LoginField)
	if err != nil {
		return err
	}
	if p := principal(r); p != nil && login == "" {
		err = f.SendVerification(r.Context(), p)
	} else {
		err = f.ResendVerification(r.Context(), login)
	}
	if err != nil {
		return err
	}
	return accepted(w, "If there is an address to confirm, a link is on its way.")
}

func (f *Flows) serveConfirm(w http.ResponseWriter, r *http.Request) error {
	return f.serveToken(w, r, f.Confirm)
}

func (f *Flows) serveUndo(w http.ResponseWriter, r *http.Request) error {
	return f.serveToken(w, r, f.Undo)
}

func (f *Flows) serveEmail(w http.ResponseWriter, r *http.Request) error {
	if err := f.person(principal(r)); err != nil {
		return err
	}
	in, err := readBody(w, r, "email", "currentPassword")
	if err != nil {
		return err
	}
	email, current, err := in.two("email", "currentPassword")
	if err != nil {
		return err
	}
	if err := f.ChangeEmail(r.Context(), principal(r), email, current); err != nil {
		return err
	}
	return accepted(w, "A link to confirm the new address is on its way.")
}

// device is a session as its owner sees it. It holds no secret: the identifier
// logs nobody in.
type device struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current"`
	Strategy   string    `json:"strategy"`
	UserAgent  string    `json:"userAgent,omitempty"`
	Address    string    `json:"address,omitempty"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
}

func newDevice(s accounts.Session, current string) device {
	d := device{
		ID: s.ID, Current: s.ID == current, Strategy: s.Strategy, UserAgent: s.Client.UserAgent,
		CreatedAt: s.CreatedAt.UTC(), LastSeenAt: s.LastSeenAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(),
	}
	if s.Client.Address.IsValid() {
		d.Address = s.Client.Address.String()
	}
	return d
}

func (f *Flows) serveSessions(w http.ResponseWriter, r *http.Request) error {
	p := principal(r)
	list, err := f.Sessions(r.Context(), p)
	if err != nil {
		return err
	}
	devices := make([]device, 0, len(list))
	for _, s := range list {
		devices = append(devices, newDevice(s, p.SessionID))
	}
	return answer(w, http.StatusOK, map[string]any{"sessions": devices})
}

func (f *Flows) serveEndOthers(w http.ResponseWriter, r *http.Request) error {
	return done(w, f.EndOtherSessions(r.Context(), principal(r)))
}

func (f *Flows) serveEndSession(w http.ResponseWriter, r *http.Request) error {
	return done(w, f.EndSession(r.Context(), principal(r), r.PathValue("id")))
}

// apiKey is a key as its owner sees it, with its text when it is new.
type apiKey struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Scopes     []string   `json:"scopes"`
	CreatedAt  time.Time  `json:"createdAt"`
	ExpiresAt  time.Time  `json:"expiresAt"`
	LastUsedAt *time.Time `json:"lastUsedAt"`
	Key        string     `json:"key,omitempty"`
}

func newAPIKey(k Key, text string) apiKey {
	view := apiKey{ID: k.ID, Name: k.Name, Scopes: k.Scopes, CreatedAt: k.CreatedAt.UTC(), ExpiresAt: k.ExpiresAt.UTC(), Key: text}
	if !k.LastUsedAt.IsZero() {
		used := k.LastUsedAt.UTC()
		view.LastUsedAt = &used
	}
	return view
}

func (f *Flows) serveKeys(w http.ResponseWriter, r *http.Request) error {
	list, err := f.Keys(r.Context(), principal(r))
	if err != nil {
		return err
	}
	keys := make([]apiKey, 0, len(list))
	for _, k := range list {
		keys = append(keys, newAPIKey(k, ""))
	}
	return answer(w, http.StatusOK, map[string]any{"keys": keys})
}

func (f *Flows) serveCreateKey(w http.ResponseWriter, r *http.Request) error {
	p := principal(r)
	if err := f.keys(p); err != nil {
		return err
	}
	in, err := readBody(w, r, "name", "scopes", "expiresInDays")
	if err != nil {
		return err
	}
	name, err := in.text("name")
	if err != nil {
		return err
	}
	scopes, err := in.texts("scopes")
	if err != nil {
		return err
	}
	days, err := in.number("expiresInDays", 365)
	if err != nil {
		return err
	}
	key, text, err := f.CreateKey(r.Context(), p, name, scopes, time.Duration(days)*24*time.Hour)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, newAPIKey(key, text))
}

func (f *Flows) serveRotateKey(w http.ResponseWriter, r *http.Request) error {
	p := principal(r)
	if err := f.keys(p); err != nil {
		return err
	}
	if _, err := readBody(w, r); err != nil {
		return err
	}
	key, text, err := f.RotateKey(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, newAPIKey(key, text))
}

func (f *Flows) serveRevokeKey(w http.ResponseWriter, r *http.Request) error {
	return done(w, f.RevokeKey(r.Context(), principal(r), r.PathValue("id")))
}

func (f *Flows) serveToken(w http.ResponseWriter, r *http.Request, use tokenUse) error {
	in, err := readBody(w, r, "token")
	if err != nil {
		return err
	}
	token, err := in.text("token")
	if err != nil {
		return err
	}
	return done(w, use(r.Context(), token))
}

// done answers 204 unless there is an error.
func done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func accepted(w http.ResponseWriter, message string) error {
	return answer(w, http.StatusAccepted, map[string]string{"message": message})
}

func answer(w http.ResponseWriter, status int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("account: encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data) // nobody is left to be told
	return nil
}
