package carry

import (
	"fmt"
	"go/scanner"
	"go/token"
)

// unread tells of a file that is no Go: what in it has the name of something that
// has another one now.
func (c *carrier) unread(f File, err error) {
	line := 1
	if list, ok := err.(scanner.ErrorList); ok && len(list) > 0 { //nolint:errorlint // as the parser returns it
		line, err = list[0].Pos.Line, fmt.Errorf("%s", list[0].Msg)
	}
	c.notes = append(c.notes, Note{f.Path, line, fmt.Sprintf("the file is left as it is, because it is no Go: %v", err)})
	fset := token.NewFileSet()
	file := fset.AddFile(f.Path, fset.Base(), len(f.Data))
	var s scanner.Scanner
	s.Init(file, f.Data, nil, 0)
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return
		}
		if to, ok := c.looks(lit); ok && tok == token.IDENT {
			c.notes = append(c.notes, Note{f.Path, file.PositionFor(pos, false).Line, fmt.Sprintf("%s is %s now", lit, to)})
		}
	}
}

// looks returns the name of now of what has the name of a thing of before.
func (c *carrier) looks(name string) (string, bool) {
	if to, ok := c.names.Declared[name]; ok {
		return to, true
	}
	for _, members := range c.names.Members {
		if to, ok := members[name]; ok {
			return to, true
		}
	}
	return "", false
}
