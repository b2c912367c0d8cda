package sandbox

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
)

const (
	// CommonJS: code is the body of a function. The head stays on the first
	// line, so that lines are as they were written.
	wrapperHead = "(function (exports, require, module, __filename, __dirname) {"
	wrapperTail = "\n})"

	actionFile = "action.js"

	// maxPrograms bounds the programs that are kept; each is some ten times
	// as large as its code.
	maxPrograms = 64
)

// A program is compiled code.
type program struct {
	*goja.Program
	// globals is whether the code may use globals that are not the language's.
	globals bool
}

// programs keeps what was compiled, by the hash of its source.
type programs struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]*program
	order [][sha256.Size]byte // oldest first
}

// compile returns the program of a job's action.
func (p *programs) compile(job *Job) (*program, error) {
	if job.Check {
		compiled, err := check(job)
		return &program{Program: compiled, globals: true}, err
	}
	key := sha256.Sum256([]byte(job.Code))
	if found := p.find(key); found != nil {
		return found, nil
	}
	compiled, err := compileSource(actionFile, job.Code)
	if err != nil {
		return nil, err
	}
	made := &program{Program: compiled, globals: usesGlobals(job.Code)}
	p.keep(key, made)
	return made, nil
}

func (p *programs) find(key [sha256.Size]byte) *program {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[key]
}

func (p *programs) keep(key [sha256.Size]byte, made *program) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = map[[sha256.Size]byte]*program{}
	}
	if p.known[key] == nil {
		p.order = append(p.order, key)
	}
	p.known[key] = made
	if len(p.order) > maxPrograms {
		delete(p.known, p.order[0])
		p.order = p.order[1:]
	}
}

// globalNames finds the names of our globals, and all that could reach one by a
// name that is put together.
var globalNames = regexp.MustCompile(`console|set(?:Timeout|Interval|Immediate)|clear(?:Timeout|Interval|Immediate)|` +
	`queueMicrotask|process|global|this|eval|Function|constructor|\\u|require|Buffer|atob|btoa|URL|Text(?:En|De)coder|structuredClone|` +
	`fetch|Headers|Request|Response|FormData|Abort|DOMException|crypto`)

// usesGlobals reports whether code may use our globals. Most actions do not, and
// making them takes longer than all the rest.
func usesGlobals(code string) bool { return globalNames.MatchString(code) }

func compileSource(name, code string) (*goja.Program, error) {
	tree, err := parse(name, code)
	if err != nil {
		return nil, err
	}
	program, err := goja.CompileAST(tree, false)
	if err != nil {
		return nil, syntaxError(err)
	}
	return program, nil
}

func parse(name, code string) (*ast.Program, error) {
	tree, err := parser.ParseFile(nil, name, wrapperHead+code+wrapperTail, 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, syntaxError(err)
	}
	if !oneFunction(tree) {
		return nil, &Failure{Kind: Syntax, Message: "the code closes a brace that it did not open"}
	}
	return tree, nil
}

// oneFunction reports whether tree is the wrapper around code and nothing else.
func oneFunction(tree *ast.Program) bool {
	if len(tree.Body) != 1 {
		return false
	}
	statement, ok := tree.Body[0].(*ast.ExpressionStatement)
	if !ok {
		return false
	}
	_, ok = statement.Expression.(*ast.FunctionLiteral)
	return ok
}

// check compiles a job's code and modules, and looks at the names in their
// requires.
func check(job *Job) (*goja.Program, error) {
	for name, code := range job.Modules {
		if err := checkRequires(job, "module "+name, code); err != nil {
			return nil, err
		}
	}
	if err := checkRequires(job, actionFile, job.Code); err != nil {
		return nil, err
	}
	return compileSource(actionFile, job.Code)
}

func checkRequires(job *Job, name, code string) error {
	tree, err := parse(name, code)
	if err != nil {
		return err
	}
	var failure *Failure
	walk(reflect.ValueOf(tree.Body), map[uintptr]bool{}, func(call *ast.CallExpression) {
		wanted, ok := required(call)
		if !ok || failure != nil || job.provides(wanted) {
			return
		}
		at := tree.File.Position(int(call.Idx0()) - tree.File.Base())
		line, column := position(at.Line, at.Column)
		failure = &Failure{Kind: Module, Message: noModule(wanted), Line: line, Column: column}
	})
	if failure != nil {
		return failure
	}
	return nil
}

// required is the name in require("name").
func required(call *ast.CallExpression) (string, bool) {
	callee, ok := call.Callee.(*ast.Identifier)
	if !ok || callee.Name != "require" || len(call.ArgumentList) == 0 {
		return "", false
	}
	name, ok := call.ArgumentList[0].(*ast.StringLiteral)
	if !ok {
		return "", false
	}
	return name.Value.String(), true
}

// walk visits each call below v.
func walk(v reflect.Value, seen map[uintptr]bool, visit func(*ast.CallExpression)) {
	switch v.Kind() {
	case reflect.Interface:
		walk(v.Elem(), seen, visit)
	case reflect.Pointer:
		if v.IsNil() || seen[v.Pointer()] || !strings.HasSuffix(v.Type().Elem().PkgPath(), "goja/ast") {
			return
		}
		seen[v.Pointer()] = true
		if call, ok := reflect.TypeAssert[*ast.CallExpression](v); ok {
			visit(call)
		}
		walk(v.Elem(), seen, visit)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walk(v.Field(i), seen, visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), seen, visit)
		}
	default:
	}
}

// missingModule is the code of the error that require throws, as in Node.
const missingModule = "MODULE_NOT_FOUND"

func noModule(name string) string {
	return fmt.Sprintf("there is no module %q; bundle it as a module of the action, or use one of: %s",
		name, strings.Join(ModuleNames(), ", "))
}
