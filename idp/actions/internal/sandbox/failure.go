package sandbox

import (
	"context"
	"errors"
	"regexp"
	"strconv"

	"github.com/dop251/goja"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
)

// Error implements error.
func (f *Failure) Error() string { return f.Message }

// failure says what an error of the interpreter or of the loop means.
func (m *machine) failure(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	if stopped, ok := errors.AsType[*goja.InterruptedError](err); ok {
		f := interruption(stopped.Value())
		f.Line, f.Column = place(stopped.String())
		return f
	}
	if _, ok := errors.AsType[*goja.StackOverflowError](err); ok {
		return &Failure{Kind: Thrown, Message: "RangeError: maximum call stack size exceeded"}
	}
	if thrown, ok := errors.AsType[*goja.Exception](err); ok {
		return m.thrown(thrown.Value(), thrown.String())
	}
	return interruption(err)
}

func interruption(reason any) *Failure {
	err, ok := reason.(error)
	switch {
	case !ok:
		return &Failure{Kind: Internal, Message: "interrupted"}
	case errors.Is(err, errMemory):
		return &Failure{Kind: Memory, Message: err.Error()}
	case errors.Is(err, errUnsettled):
		return &Failure{Kind: Unsettled, Message: err.Error()}
	case errors.Is(err, errLimit), errors.Is(err, errPending):
		return &Failure{Kind: Limit, Message: err.Error()}
	case errors.Is(err, errCPU):
		return &Failure{Kind: Timeout, Message: err.Error()}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &Failure{Kind: Timeout, Message: "the time of the trigger is used up"}
	default:
		return &Failure{Kind: Internal, Message: err.Error()}
	}
}

// thrown describes what code threw. Nothing of the code is called for it.
func (m *machine) thrown(v goja.Value, stack string) *Failure {
	f := &Failure{Kind: Thrown, Message: "undefined"}
	if v == nil {
		return f
	}
	o, ok := v.(*goja.Object)
	if !ok {
		f.Message = v.String()
		f.Line, f.Column = place(stack)
		return f
	}
	// An accessor or a proxy could run for ever, but on the job's time.
	_ = m.enter(func() error {
		return m.vm.Try(func() {
			f.Message = text(o, "message")
			if name := text(o, "name"); name != "" {
				f.Message = name + ": " + f.Message
			}
			if text(o, "code") == missingModule {
				f.Kind = Module
			}
			if stack == "" {
				stack = text(o, "stack")
			}
		})
	})
	f.Line, f.Column = place(stack)
	return f
}

func text(o *goja.Object, name string) string {
	v := o.Get(name)
	if v == nil || goja.IsUndefined(v) {
		return ""
	}
	s, ok := v.Export().(string)
	if !ok {
		return ""
	}
	return s[:min(len(s), 2000)]
}

var placePattern = regexp.MustCompile(`\baction\.js:(\d+):(\d+)`)

// place finds the first place in the action's own code in a stack.
func place(stack string) (line, column int) {
	found := placePattern.FindStringSubmatch(stack)
	if found == nil {
		return 0, 0
	}
	line, _ = strconv.Atoi(found[1])
	column, _ = strconv.Atoi(found[2])
	return position(line, column)
}

// position takes the wrapper of modules out of a place.
func position(line, column int) (l, c int) {
	if line == 1 {
		column = max(1, column-len(wrapperHead))
	}
	return line, column
}

// syntaxError makes a Failure of what the parser or compiler says.
func syntaxError(err error) *Failure {
	f := &Failure{Kind: Syntax, Message: err.Error()}
	var at file.Position
	if list, ok := errors.AsType[parser.ErrorList](err); ok && len(list) > 0 {
		f.Message, at = list[0].Message, list[0].Position
	} else if one, ok := errors.AsType[*goja.CompilerSyntaxError](err); ok {
		f.Message = one.Message
		if one.File != nil {
			at = one.File.Position(one.Offset)
		}
	}
	f.Line, f.Column = position(at.Line, at.Column)
	return f
}
