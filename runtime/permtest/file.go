package permtest

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
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

// send sends a file to a row, which is answered as the surface does.
func (s *rest) send(c *caller, e *entity, id string, f *model.Field, read func(*entity, map[string]any) shown) answer {
	media, file := sampleFile(f, s.next())
	status, raw := s.doRaw(c, http.MethodPut, s.filePath(e, id, f), media, file)
	a := s.answer(status, raw)
	if status >= http.StatusBadRequest {
		return a
	}
	var m map[string]any
	if err := decode(raw, &m); err != nil {
		s.t.Errorf("PUT of %s.%s answers no row: %s", e.Name, f.Name, a.text)
	}
	a.rows = []shown{read(e, m)}
	return a
}

// signs are how files of a type begin that say by that what they are.
var signs = map[string]string{
	"image/png": "\x89PNG\r\n\x1a\n", "image/jpeg": "\xff\xd8\xff", "image/gif": "GIF89a", "image/webp": "RIFF0000WEBPVP", "image/bmp": "BM",
	"application/pdf": "%PDF-1.7 ", "application/zip": "PK\x03\x04", "application/gzip": "\x1f\x8b\x08", "application/x-gzip": "\x1f\x8b\x08",
	"application/postscript": "%!PS-Adobe-", "video/webm": "\x1a\x45\xdf\xa3", "text/html": "<!DOCTYPE HTML>",
}

// sampleFile is a file that a field takes, another one for another n.
func sampleFile(f *model.Field, n int) (media string, raw []byte) {
	media = "text/plain"
	if len(f.FileTypes) > 0 {
		media = f.FileTypes[0]
	}
	if kind, every := strings.CutSuffix(media, "/*"); every {
		media = map[string]string{"image": "image/png", "text": "text/plain", "message": "message/rfc822"}[kind]
		if media == "" {
			media = kind + "/vnd.permtest"
		}
	}
	sign := signs[media]
	if sign == "" && !textual(media) {
		sign = "\x00\x07" // of no type that is known
	}
	return media, []byte(sign + "sample " + strconv.Itoa(n))
}

// textual reports whether files of a type are text.
func textual(media string) bool {
	kind, sub, _ := strings.Cut(media, "/")
	return kind == "text" || kind == "message" || strings.HasSuffix(sub, "+json") || strings.HasSuffix(sub, "+xml") ||
		slices.Contains([]string{"json", "xml", "yaml", "sql", "toml", "x-ndjson", "rtf", "javascript", "pem-certificate-chain", "x-pem-file"}, sub)
}

// unsend removes a file of a row.
func (s *rest) unsend(c *caller, e *entity, id string, f *model.Field) answer {
	return s.answer(s.do(c, http.MethodDelete, s.filePath(e, id, f), nil))
}

// unsends tries to remove a file that is there.
func (k *kit) unsends(cell string, s surface, c *caller, r *row, f *model.Field, w want) {
	k.t.Helper()
	over, ok := s.(*rest)
	if a, is := s.(*amplication); is {
		over, ok = a.rest, true
	}
	if !ok || f.Type != model.FileType {
		return
	}
	k.attach(r, f)
	about := "DELETE of the file of " + c.about(r)
	before := k.stored(r.entity, r.id)
	a := over.unsend(c, r.entity, r.id, f)
	k.check(cell, w, a, about)
	if a.status >= http.StatusBadRequest {
		k.unchanged(cell, r.entity, r, before, about)
	} else if !slices.Contains(differ(before, k.stored(r.entity, r.id)), f.Column) {
		k.t.Errorf("%s: answers %d, and the file is there (%s)", cell, a.status, about)
	}
}

// attach sends a file to a row as the service itself.
func (k *kit) attach(r *row, f *model.Field) {
	k.t.Helper()
	media, raw := sampleFile(f, k.next())
	ctx := authz.System(k.ctx())
	staged, err := r.entity.service.StageFile(ctx, r.id, f.Name, crud.Upload{Type: media, Body: bytes.NewReader(raw)})
	if err != nil {
		k.t.Fatalf("a sample of %s.%s cannot be sent: %v", r.entity.Name, f.Name, err)
	}
	defer staged.Close()
	if _, err := r.entity.service.KeepFile(ctx, r.id, f.Name, staged); err != nil {
		k.t.Fatalf("a sample of %s.%s cannot be kept: %v", r.entity.Name, f.Name, err)
	}
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
