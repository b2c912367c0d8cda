package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestIdP runs the identity provider and its administration as a person types
// them. Besides the usual commands a script has
//
//	http METHOD URL STATUS [NAME=VALUE …]   a request; its answer is in the file answer
//	ready URL                               waits until URL answers
//	field NAME FILE WORD N                  field N of the first line of FILE that begins with WORD
//	replace OLD NEW FILE                    a text by another
//	append FILE OTHER                       the text of OTHER
func TestIdP(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			_, port, err := net.SplitHostPort(l.Addr().String())
			if err != nil {
				return err
			}
			env.Setenv("PORT", port)
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/config")
			return l.Close()
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"http": scriptHTTP, "ready": scriptReady, "field": scriptField, "replace": scriptReplace, "append": scriptAppend},
	})
}

// scriptClient trusts the certificate in $CA and follows no redirect.
func scriptClient(ts *testscript.TestScript) *http.Client {
	pool := x509.NewCertPool()
	if ca := ts.Getenv("CA"); ca != "" {
		pool.AppendCertsFromPEM([]byte(ts.ReadFile(ca)))
	}
	return &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: http METHOD URL STATUS [NAME=VALUE …]")
	}
	var body io.Reader
	form := url.Values{}
	host, bearer := "", ""
	for _, pair := range args[3:] {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case "Host":
			host = value
		case "Bearer":
			bearer = value
		default:
			form.Set(name, value)
		}
	}
	if len(form) > 0 {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(args[0], args[1], body)
	ts.Check(err)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	req.Host = host
	res, err := scriptClient(ts).Do(req)
	if neg {
		if err == nil {
			_ = res.Body.Close()
			ts.Fatalf("%s %s answers %s", args[0], args[1], res.Status)
		}
		return
	}
	ts.Check(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	ts.Check(err)
	if strconv.Itoa(res.StatusCode) != args[2] {
		ts.Fatalf("%s %s: %s, want %s\n%s", args[0], args[1], res.Status, args[2], data)
	}
	ts.Check(os.WriteFile(ts.MkAbs("answer"), data, 0o600))
}

func scriptReady(ts *testscript.TestScript, _ bool, args []string) {
	answers := func() bool {
		if ca := ts.Getenv("CA"); ca != "" {
			if _, err := os.Stat(ts.MkAbs(ca)); err != nil {
				return false
			}
		}
		res, err := scriptClient(ts).Get(args[0])
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return true
	}
	for range 200 {
		if answers() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s does not answer", args[0])
}

func scriptField(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[3])
	ts.Check(err)
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		fields := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\n\",:{}", r) })
		if len(fields) > n && fields[0] == args[2] {
			ts.Setenv(args[0], fields[n])
			return
		}
	}
	ts.Fatalf("%s: no line begins with %s", args[1], args[2])
}

func scriptReplace(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[2])
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.ReplaceAll(text, args[0], args[1])), 0o600))
}

func scriptAppend(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0]) + ts.ReadFile(args[1])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
