package model_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/model"
)

// TestFileName: what is left of a name means nothing to a system.
func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"report.pdf": "report.pdf", "../../etc/passwd": "passwd", `C:\Users\ann\a b.png`: "a b.png", "/": "", "..": "", "...": "", ".env": "env",
		"a\x00b\r\nc.txt": "abc.txt", "invoice\u202egnp.exe": "invoicegnp.exe", `a"b<c>.txt`: "abc.txt", "résumé.pdf": "résumé.pdf", "\xff": "", "": "",
		strings.Repeat("é", 300) + ".pdf": strings.Repeat("é", 196) + ".pdf",
	} {
		if got := model.FileName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

// TestFile_stored: the key of a file is in its column, and in no answer.
func TestFile_stored(t *testing.T) {
	e := &model.Entity{
		Name: "Paper", Plural: "Papers", Path: "papers", Table: "papers",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "scan", Column: "scan", Type: model.FileType, Segment: "scan", MaxSize: 1},
		},
	}
	if err := e.Check(); err != nil {
		t.Fatal(err)
	}
	const key = "01941f29-7c00-7a3e-8b1d-000000000001"
	file := model.NewFile(model.File{Name: `a"b`, Size: 7, Type: "text/plain", SHA256: "00"}, key)
	f, p := &e.Fields[1], &file
	if got := string(f.AppendJSON(nil, &p)); got != `{"name":"a\"b","size":7,"type":"text/plain","sha256":"00"}` {
		t.Errorf("answered as %s", got)
	}
	if got, _ := json.Marshal(file); strings.Contains(string(got), key) {
		t.Errorf("the key is out: %s", got)
	}
	column := f.Bind(0, file)
	var back *model.File
	if err := (&model.Cell{Field: f, P: &back}).Scan(column); err != nil || *back != file {
		t.Errorf("%v comes back as %v: %v", column, back, err)
	}
	for _, raw := range []string{`{"name":"a"}`, `"a"`, `[1]`} {
		if problem, ok := f.Decode(json.RawMessage(raw), &back); ok {
			t.Errorf("%s: %v", raw, problem)
		}
	}
	for _, wrong := range []model.Field{{Segment: "a"}, {MaxSize: 1}, {Segment: "a", MaxSize: 1, Required: true}, {Segment: "../a", MaxSize: 1}} {
		wrong.Name, wrong.Column, wrong.Type = "scan", "scan", model.FileType
		bad := *e
		bad.Fields = []model.Field{e.Fields[0], wrong}
		if bad.Check() == nil {
			t.Errorf("%+v is a field", wrong)
		}
	}
}
