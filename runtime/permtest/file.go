package permtest

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gatewright/gate/runtime/model"
)

// fileOf returns the file that a body is about; nil if it is about anything else.
func fileOf(e *entity, body map[string]any) *model.Field {
	for name := range body {
		if f, ok := e.model.Field(name); ok && len(body) == 1 && e.model.Fields[f].Type == model.FileType {
			return &e.model.Fields[f]
		}
	}
	return nil
}

// filePath is where a file of a row is.
func (s *rest) filePath(e *entity, id string, f *model.Field) string {
	return s.one(e, id) + "/" + f.Segment
}

// send sends a file to a row.
func (s *rest) send(c *caller, e *entity, id string, f *model.Field) answer {
	media, bytes := sampleFile(f, s.next())
	status, raw := s.doRaw(c, http.MethodPut, s.filePath(e, id, f), media, bytes)
	a := s.answer(status, raw)
	if status >= http.StatusBadRequest {
		return a
	}
	var m map[string]any
	if err := decode(raw, &m); err != nil {
		s.t.Errorf("PUT of %s.%s answers no row: %s", e.Name, f.Name, a.text)
	}
	a.rows = []shown{s.rowOf(e, m)}
	return a
}

// sampleFile is a file that a field takes, another one for another n.
func sampleFile(f *model.Field, n int) (media string, bytes []byte) {
	number := strconv.Itoa(n)
	signs := map[string]string{
		"image/png": "\x89PNG\r\n\x1a\n", "image/jpeg": "\xff\xd8\xff", "image/gif": "GIF89a", "application/pdf": "%PDF-1.7 ",
		"application/zip": "PK\x03\x04", "video/webm": "\x1a\x45\xdf\xa3", "image/webp": "RIFF0000WEBPVP",
	}
	for _, media := range f.FileTypes {
		for of, sign := range signs {
			kind, every := strings.CutSuffix(media, "/*")
			if of == media || every && strings.HasPrefix(of, kind+"/") {
				return of, []byte(sign + number)
			}
		}
	}
	if len(f.FileTypes) > 0 && !strings.HasSuffix(f.FileTypes[0], "/*") {
		return f.FileTypes[0], []byte("sample " + number)
	}
	return "text/plain", []byte("sample " + number)
}

// fetches tries to get a file that is there: whoever reads the field of the row gets
// it, and to everybody else it is not there.
func (k *kit) fetches(r *row, f *model.Field) {
	k.t.Helper()
	e := r.entity
	s := &rest{k}
	for _, c := range k.callers {
		cell := cellName(s, c, view, e, e.design(f.Name))
		if k.except(cell) {
			continue
		}
		g := e.grantTo(c)
		w := k.onRow(s, c, r, view)
		if !w.refused() && !c.in(&g.field(e.design(f.Name)).View, r) {
			w = status(http.StatusNotFound)
		}
		a := s.answer(s.do(c, http.MethodGet, s.filePath(e, r.id, f), nil))
		k.check(cell, w, a, "the file of "+c.about(r))
	}
}
