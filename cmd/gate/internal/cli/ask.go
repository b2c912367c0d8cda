package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/gatewright/gate/idp/config"
)

// errNothingDone is the answer of somebody who was asked and did not go on.
var errNothingDone = errors.New("nothing was done")

// interactive reports whether somebody sits there who can be asked.
func (out *console) interactive() (*os.File, bool) {
	in, ok := out.stdin.(*os.File)
	return in, ok && out.talk.terminal && term.IsTerminal(int(in.Fd()))
}

// await reads what a person or a pipe gives, until an interrupt. A read cannot
// be taken back: one that is left behind ends with the process.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// confirm asks before something that cannot be undone.
func (out *console) confirm(yes bool, format string, args ...any) error {
	if yes {
		return nil
	}
	in, ok := out.interactive()
	question := plain(fmt.Sprintf(format, args...))
	if !ok {
		return misused("--yes confirms it", "%s: nobody is there to ask", question)
	}
	answer, err := newAsker(out, in).line(question + "? Type yes")
	if err != nil || answer != "yes" {
		return errNothingDone
	}
	return nil
}

// password asks for a password, or reads it from standard input; empty means
// that one is to be made up.
func (out *console) password() (string, error) {
	in, ok := out.interactive()
	if !ok {
		data, err := await(out, func() ([]byte, error) { return io.ReadAll(io.LimitReader(out.stdin, 4<<10)) })
		if out.Err() != nil {
			return "", errNothingDone
		}
		text, _, _ := strings.Cut(string(data), "\n")
		return strings.TrimSuffix(text, "\r"), err
	}
	// The terminal is taken before anything is asked, and given back here: an
	// interrupt in between leaves it as it was.
	fd := int(in.Fd())
	was, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	lines := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, out.talk.w}, "")
	first, err := out.hidden(lines, "Password (empty for a random one)")
	var second string
	if err == nil && first != "" {
		second, err = out.hidden(lines, "Once more")
	}
	if err := errors.Join(err, term.Restore(fd, was)); err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two are not the same")
	}
	return first, nil
}

// hidden asks for a line that is not shown. Ctrl+C and the end of the input are
// an answer too: that nothing is to be done.
func (out *console) hidden(lines *term.Terminal, what string) (string, error) {
	text, err := await(out, func() (string, error) { return lines.ReadPassword("  " + what + ": ") })
	if out.Err() != nil || errors.Is(err, io.EOF) {
		fmt.Fprint(out.talk.w, "\r\n")
		return "", errNothingDone
	}
	return text, err
}

// newPassword is [console.password], with a random one for an empty one: that is
// returned a second time, to be shown once.
func (out *console) newPassword() (text, shown string, err error) {
	if text, err = out.password(); err != nil || text != "" {
		return text, "", err
	}
	text = config.NewPassword().Reveal()
	return text, text, nil
}

// An asker asks questions on a terminal, a line each: that works on every one,
// also where it has no size and does not say what it can.
type asker struct {
	out   *console
	lines *bufio.Reader
}

func newAsker(out *console, in io.Reader) *asker { return &asker{out, bufio.NewReader(in)} }

// line asks, and returns the answer without blanks around it.
func (a *asker) line(question string) (string, error) {
	fmt.Fprint(a.out.talk.w, "  "+question+": ")
	text, err := await(a.out, func() (string, error) { return a.lines.ReadString('\n') })
	if err != nil {
		fmt.Fprintln(a.out.talk.w)
	}
	return strings.TrimSpace(text), err
}

// text asks until check agrees; no answer is the suggestion.
func (a *asker) text(question, suggestion string, check func(string) error) (string, error) {
	if suggestion != "" {
		question += " [" + suggestion + "]"
	}
	for {
		answer, err := a.line(question)
		if err != nil {
			return "", err
		}
		answer = cmp.Or(answer, suggestion)
		if err = check(answer); err == nil {
			return answer, nil
		}
		a.out.talk.error(err, "")
	}
}

// An option is one of several answers, and what it means.
type option struct{ value, meaning string }

// choose asks for one of the options, by its number or its name; no answer is
// the first.
func (a *asker) choose(question string, options ...option) (string, error) {
	for i, o := range options {
		a.out.talk.line(strings.TrimRight(fmt.Sprintf("    %d  %-12s %s", i+1, o.value, o.meaning), " "))
	}
	var chosen string
	_, err := a.text(question, options[0].value, func(answer string) error {
		for i, o := range options {
			if answer == o.value || answer == strconv.Itoa(i+1) {
				chosen = o.value
				return nil
			}
		}
		return fmt.Errorf("%q is none of them", answer)
	})
	return chosen, err
}
