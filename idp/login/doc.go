// Package login draws the pages that the identity provider shows to people, and
// writes its letters. It renders and nothing else: it keeps no state, checks no
// password and routes no request. The provider decides which page is due and
// hands over what is on it.
//
// # Pages
//
// [New] takes the looks of a tenant: name, logo, colours, texts, languages. Each
// page is a method of [Pages] that writes a whole response: status, headers and
// body. When a method returns an error it has written nothing, so that the
// caller can log the fault and answer 500, with [Pages.Error] for instance.
//
// Every page works without JavaScript, by keyboard, at 320 pixels, and in light
// and dark. Values from requests and from configuration come back as text,
// whatever is in them; links lead to http and https addresses and to paths of
// this host, anything else is an error.
//
// # Headers
//
// The Content-Security-Policy allows styles, scripts and pictures of this origin
// and nothing else; no page can be framed, but for [Pages.WebMessage], which can
// be framed by the one origin that it speaks to. The form-action directive names
// the origins of [Frame.Targets], because Chromium applies it to the redirect
// that answers a form.
//
// Referrer-Policy is strict-origin on pages with a form: under no-referrer and
// after a POST from the same origin Chromium sends "Origin: null", which no check
// of origins can tell from an attack. Paths and queries, where state and tickets
// are, never leave in a Referer under either, and links to elsewhere are
// noreferrer. Pages without a form say no-referrer. There is no
// Cross-Origin-Opener-Policy: a pop-up has to keep its opener.
//
// # Forms
//
// A form posts the names Field…; [Password] reads the password out of it.
package login
