package seed

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// An edit puts another name in the place of one.
type edit struct {
	at       design.Position
	from, to string
}

// carried returns the file with entities, fields and values as they are called now.
// What is not written as it is called, such as "\x6bind", stays, and is refused when the
// rows are read.
func carried(in gen.Input, former gen.Former) ([]byte, []edit, error) {
	root, err := design.ParseValues(in.Path, in.Data)
	if err != nil || len(former) == 0 {
		return in.Data, nil, err
	}
	var edits []edit
	put := func(at design.Position, from, to string) {
		if from != to {
			edits = append(edits, edit{at, from, to})
		}
	}
	for i := range root.Children {
		entity := &root.Children[i]
		names, ok := former[entity.Key]
		if !ok {
			continue
		}
		put(entity.Pos, entity.Key, names.Name)
		for _, row := range entity.Children {
			for _, member := range row.Children {
				if to := names.Field(member.Key); row.Child(to) == nil {
					put(member.Pos, member.Key, to)
				}
				values := []design.Setting{member}
				if member.Kind == design.KindList {
					values = member.Children
				}
				for _, v := range values {
					if text, ok := v.Value.(string); ok {
						put(v.ValuePos, text, names.Value(member.Key, text))
					}
				}
			}
		}
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Or(a.at.Line-b.at.Line, a.at.Column-b.at.Column) })
	lines := strings.SplitAfter(string(in.Data), "\n")
	var made []edit
	for _, e := range slices.Backward(edits) { // where several stand in a line
		line, at := []rune(lines[e.at.Line-1]), e.at.Column-1
		if at < len(line) && (line[at] == '"' || line[at] == '\'') {
			at++
		}
		if rest, ok := strings.CutPrefix(string(line[at:]), e.from); ok {
			lines[e.at.Line-1] = string(line[:at]) + e.to + rest
			made = append(made, e)
		}
	}
	return []byte(strings.Join(lines, "")), made, nil
}

// inFile returns what is wrong with the rows with the places in the file as it is.
func inFile(err error, made []edit) error {
	if errs, ok := errors.AsType[*design.Errors](err); ok {
		for i := range errs.Problems {
			for _, e := range slices.Backward(made) {
				if p := &errs.Problems[i]; p.Line == e.at.Line && p.Column > e.at.Column {
					p.Column += utf8.RuneCountInString(e.from) - utf8.RuneCountInString(e.to)
				}
			}
		}
	}
	return err
}
