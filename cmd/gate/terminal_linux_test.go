package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// A terminal is one without a size that answers no question about itself. What
// is typed goes to keys.
type terminal struct {
	t    *testing.T
	keys *os.File
	said chan string
	seen string // what no await has passed
	all  string

	before [4]uint32 // its modes when the command started
}

// onTerminal starts the command there, in the folder dir.
func onTerminal(t *testing.T, dir string, args ...string) (*terminal, *exec.Cmd) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: " + err.Error())
	}
	t.Cleanup(func() { _ = master.Close() })
	var number, locked uint32
	ioctl(t, master, syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	ioctl(t, master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	cmd := exec.Command(gateBinary(t), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "CI=", "IDP_SECRET="+strings.Repeat("k7Qz9-", 6)+"wPxL2mVt")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	term := &terminal{t: t, keys: master, said: make(chan string, 100)}
	term.before = term.modes()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	go func() {
		defer close(term.said)
		for buf := make([]byte, 4096); ; {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			term.said <- string(buf[:n])
		}
	}()
	return term, cmd
}

func ioctl(t *testing.T, f *os.File, request uintptr, value unsafe.Pointer) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(value)); errno != 0 {
		t.Fatal(errno)
	}
}

// modes returns how the terminal treats what is typed and shown, in the order of
// termios.
func (r *terminal) modes() [4]uint32 {
	r.t.Helper()
	var m syscall.Termios
	ioctl(r.t, r.keys, syscall.TCGETS, unsafe.Pointer(&m))
	return [4]uint32{m.Iflag, m.Oflag, m.Cflag, m.Lflag}
}

// await reads until text is there.
func (r *terminal) await(text string) {
	r.t.Helper()
	for timeout := time.After(20 * time.Second); ; {
		if _, after, ok := strings.Cut(r.seen, text); ok {
			r.seen = after
			return
		}
		select {
		case more, ok := <-r.said:
			if !ok {
				r.t.Fatalf("the terminal ended at %q, before %q", r.seen, text)
			}
			r.seen += more
			r.all += more
		case <-timeout:
			r.t.Fatalf("no %q, but %q", text, r.seen)
		}
	}
}

func (r *terminal) send(keys string) {
	r.t.Helper()
	if _, err := io.WriteString(r.keys, keys); err != nil {
		r.t.Fatal(err)
	}
}

// ended waits for the command, and returns its exit code.
func ended(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the command does not end")
	}
	return cmd.ProcessState.ExitCode()
}

// TestTerminal_asksNothing: a command that has no question says nothing to the
// terminal but its words.
func TestTerminal_asksNothing(t *testing.T) {
	term, cmd := onTerminal(t, t.TempDir(), "version")
	if code := ended(t, cmd); code != 0 {
		t.Errorf("exit code %d", code)
	}
	term.await("\n")
	if strings.ContainsRune(term.seen, '\x1b') {
		t.Errorf("it asks the terminal: %q", term.seen)
	}
}

func TestTerminal_new(t *testing.T) {
	dir := t.TempDir()
	term, cmd := onTerminal(t, dir, "new", "shop")
	term.await("Go module [example.com/shop]: ")
	term.send("\n")
	term.await("Entities to begin with [")
	term.send("nonsense\n")
	term.await(`"nonsense" is none of them`)
	term.await("Entities to begin with [")
	term.send("empty\n")
	term.await("Database [sqlite]: ")
	term.send("1\n")
	term.await("Authentication [jwt]: ")
	term.send("2\n")
	term.await("Next")
	if code := ended(t, cmd); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if yaml := read(t, filepath.Join(dir, "shop", "gate.yaml")); !strings.Contains(yaml, "auth-basic") || !strings.Contains(yaml, "example.com/shop") {
		t.Errorf("gate.yaml: %s", yaml)
	}
}

// TestTerminal_password types one that is not to be seen, at once with the
// question after it as a password manager does.
func TestTerminal_password(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "idp.yaml"), "issuer: http://localhost:3001/\n")
	term, cmd := onTerminal(t, dir, "idp", "admin", "ada@example.com")
	term.await("random one): ")
	term.send("schöne Wörter 4711\rschöne Wörter 4711\r")
	term.await("Once more: ")
	term.await("administrator")
	if code := ended(t, cmd); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(term.all, "4711") || !strings.Contains(term.all, "Once more") {
		t.Errorf("the password is shown: %q", term.all)
	}
	if after := term.modes(); after != term.before {
		t.Errorf("the terminal is left changed: %x, was %x", after, term.before)
	}
}

// TestTerminal_terminated ends the command from elsewhere while it asks for a
// password.
func TestTerminal_terminated(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "idp.yaml"), "issuer: http://localhost:3001/\n")
	term, cmd := onTerminal(t, dir, "idp", "admin", "ada@example.com")
	term.await("random one): ")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	term.await("nothing was done")
	if code := ended(t, cmd); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if after := term.modes(); after != term.before {
		t.Errorf("the terminal is left changed: %x, was %x", after, term.before)
	}
}

// TestTerminal_interrupt presses Ctrl+C at each question.
func TestTerminal_interrupt(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "idp.yaml"), "issuer: http://localhost:3001/\n")
	for _, tt := range []struct {
		args            []string
		question, wants string
	}{
		{[]string{"idp", "admin", "ada@example.com"}, "random one): ", "nothing was done"},
		{[]string{"new"}, "its folder: ", "nothing was made"},
	} {
		term, cmd := onTerminal(t, dir, tt.args...)
		term.await(tt.question)
		term.send("\x03")
		term.await(tt.wants)
		if code := ended(t, cmd); code != 1 {
			t.Errorf("%q: exit code %d", tt.args, code)
		}
		if after := term.modes(); after != term.before {
			t.Errorf("%q leaves the terminal changed: %x, was %x", tt.args, after, term.before)
		}
	}
	var out bytes.Buffer
	list := exec.Command(gateBinary(t), "idp", "--json", "role", "list")
	list.Dir, list.Stdout = dir, &out
	list.Env = append(os.Environ(), "IDP_SECRET="+strings.Repeat("k7Qz9-", 6)+"wPxL2mVt")
	if err := list.Run(); err != nil || strings.Contains(out.String(), "administrator") {
		t.Errorf("after nothing was done: %v %s", err, out.String())
	}
}
