package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/jose"
)

// idleMemory weighs a process that serves a database with many users, after it
// has served a few requests.
func (b *bench) idleMemory(w *world) error {
	if err := w.seed(); err != nil {
		return err
	}
	if err := w.fill(b.users); err != nil {
		return err
	}
	var seq int
	var name, file string
	if err := w.db.Read().QueryRow("PRAGMA database_list").Scan(&seq, &name, &file); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "-idle", file)
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { _ = in.Close(); _ = cmd.Wait() }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return err
	}
	address := "http://" + strings.TrimSpace(line)
	for _, path := range []string{"/.well-known/jwks.json", "/authorize?" + authorization(jose.RS256, "openid").Encode(), "/healthz"} {
		res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(address + path)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
	}
	memory := resident(cmd.Process.Pid)
	b.limit(fmt.Sprintf("idle memory with %d users", b.users), fmt.Sprintf("%d MiB", memory>>20), "40 MiB", memory > 40<<20)
	return nil
}

// fill inserts users, many with each statement.
func (w *world) fill(n int) error {
	const many = 100_000 // so that the log beside the file stays small
	const some = "WITH RECURSIVE n (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2) "
	for from := 0; from < n; from += many {
		err := w.db.InTx(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, some+`INSERT INTO idp_users
				(id, connection, email, name, blocked, doc, created_at, updated_at, last_login_at, last_ip, logins_count)
				SELECT printf('auth0|%024x', i), $3, printf('user%d@example.com', i), printf('user%d@example.com', i), 0,
					printf('{"user_id":"auth0|%024x","email":"user%d@example.com","email_verified":true,"name":"user%d@example.com"}', i, i, i),
					1700000000000 + i, 1700000000000 + i, 0, '', 0 FROM n`, from, min(n, from+many), connection)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, some+`INSERT INTO idp_identities
				(provider, subject, connection, user_id, position, email, password_at, social, profile, created_at)
				SELECT 'auth0', printf('%024x', i), $3, printf('auth0|%024x', i), 0, printf('user%d@example.com', i), 0, 0, 'null', 1700000000000 + i FROM n`,
				from, min(n, from+many), connection)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// stand serves a database until in ends, and says where.
func stand(file string, in io.Reader, out io.Writer) error {
	w, err := open(file, false)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	defer func() { cancel(); <-done }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	if _, err := fmt.Fprintln(out, listener.Addr()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return errors.Join(err, server.Close(), w.close())
}

// resident reads the resident memory of a process, in bytes; 0 where there is no
// /proc.
func resident(pid int) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return pages * os.Getpagesize()
}
