// Package origin judges which web site caused a request that a cookie vouches for.
package origin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatewright/gate/internal/loopback"
)

// A Guard judges where a request comes from. There is no pattern that goes
// around it. It is safe for concurrent use; [New] makes one.
type Guard struct {
	protection *http.CrossOriginProtection
	trusted    map[string]bool
}

// New returns a guard that lets these origins through besides a service's own.
func New(trusted []string) (*Guard, error) {
	o := &Guard{protection: http.NewCrossOriginProtection(), trusted: make(map[string]bool, len(trusted))}
	var errs []error
	for _, origin := range trusted {
		switch err := o.protection.AddTrustedOrigin(origin); {
		case err != nil:
			errs = append(errs, err)
		case !secure(origin):
			errs = append(errs, fmt.Errorf("the origin %q has to be https: http is anybody's on the way", origin))
		case strings.ToLower(origin) != origin:
			errs = append(errs, fmt.Errorf("the origin %q has to be in lower case, as browsers send it", origin))
		}
		o.trusted[origin] = true
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return o, nil
}

// Check returns an error when another site may have caused r. A request to
// upgrade the connection is judged whatever its method: browsers let any site
// open a WebSocket. Beyond net/http's rules the origin itself has to be secure,
// for the cookie is: the same host on http is another site.
func (o *Guard) Check(r *http.Request) error {
	if _, upgrade := r.Header["Upgrade"]; upgrade {
		unsafe := *r
		unsafe.Method = http.MethodPost
		r = &unsafe
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	switch from := r.Header["Origin"]; {
	case len(from) > 1:
		return errors.New("there are two origins")
	case len(from) == 1 && from[0] == "null" && r.Header.Get("Sec-Fetch-Site") == "same-origin":
		return nil // a form of a page that tells no referrer; one in a sandbox is from another site
	case len(from) == 1 && !o.trusted[from[0]] && !secure(from[0]):
		return errors.New("the origin is not secure")
	}
	return o.protection.Check(r)
}

// secure reports whether browsers keep a Secure cookie for the origin: it is on
// https, or on this machine.
func secure(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	switch u.Scheme {
	case "https":
		return true
	case "http":
		return loopback.Site(u.Hostname())
	default:
		return false
	}
}
