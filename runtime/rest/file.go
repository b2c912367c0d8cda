package rest

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// formOverhead is what a form may have around the file that it brings.
const formOverhead = 64 << 10

// files returns the routes of the files of rows: each is at a path of its own.
func (h *handlers) files(route newRoute) []Route {
	var routes []Route
	e := h.service.Entity()
	for i := range e.Fields {
		f := &e.Fields[i]
		if f.Type != model.FileType {
			continue
		}
		path := h.path + "/{id}/" + f.Segment
		put := route(http.MethodPut, path, authz.Update, h.upload(f))
		put.MaxBody = int64(f.MaxSize) + formOverhead
		put.Handler = asSent(h.protect(streamed{h.handle(h.upload(f))}))
		routes = append(routes,
			route(http.MethodGet, path, authz.View, h.download(f.Name)),
			put,
			route(http.MethodDelete, path, authz.Update, h.removeFile(f.Name)))
	}
	return routes
}

// streamed is a handler that reads a body when it is known who sends it: nobody else
// has room for it.
type streamed struct{ http.Handler }

// MaxBody is what is read before.
func (streamed) MaxBody() int64 { return 0 }

type sentKey struct{}

// asSent keeps a request as it was before anybody knew who sent it.
func asSent(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sentKey{}, r)))
	})
}

// upload reads a file as somebody sends it, when they may, and asks once more who they
// are when it is here: what takes its time must not outlive a log-out.
func (h *handlers) upload(f *model.Field) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := h.first(r, authz.Update, nil); err != nil {
			return err
		}
		opts, err := fileCondition(r)
		if err != nil {
			return err
		}
		done, err := h.transfers.uploads.begin(r.Context(), &sending)
		if err != nil {
			return err
		}
		defer done()
		size := int64(f.MaxSize)
		if r.ContentLength >= 0 {
			size = min(size, r.ContentLength)
		}
		patience(w, size)
		up, end, err := uploadOf(r)
		if err != nil {
			return err
		}
		staged, err := h.service.StageFile(r.Context(), r.PathValue("id"), f.Name, up)
		if err != nil {
			return err
		}
		defer staged.Close()
		if err := end(); err != nil {
			return err
		}
		sent, ok := r.Context().Value(sentKey{}).(*http.Request)
		if !ok {
			return errors.New("rest: an upload that nobody sent") // cannot be: files puts it there
		}
		patience(w, staged.File.Size) // to be kept, too
		again := sent.WithContext(sent.Context())
		again.Body, again.ContentLength, again.TransferEncoding = http.NoBody, 0, nil
		h.protect(h.handle(func(w http.ResponseWriter, r *http.Request) error {
			row, err := h.service.KeepFile(r.Context(), r.PathValue("id"), f.Name, staged, opts...)
			if err != nil {
				return err
			}
			h.answer(w, r, http.StatusOK, row)
			return nil
		})).ServeHTTP(w, again)
		return nil
	}
}

// uploadOf reads what a request says of the file that it brings: as its body, or as
// the one part of a form. When the file was read, end says whether that was all.
func uploadOf(r *http.Request) (up crud.Upload, end func() error, err error) {
	var rd reader
	for _, p := range parseQuery(r.URL.RawQuery, &rd.problems).kids {
		if p.name != "name" {
			rd.bad(p.name, model.CodeUnknown, "is not a parameter of this route")
			continue
		}
		up.Name = rd.text(p)
	}
	if len(rd.problems) > 0 {
		return up, nil, badQuery(rd.problems)
	}
	up.Type, up.Body = r.Header.Get("Content-Type"), r.Body
	if media, _, _ := mime.ParseMediaType(up.Type); media != "multipart/form-data" {
		return up, func() error { return nil }, nil
	}
	malformed := func(err error) error {
		return &gate.Error{Status: http.StatusBadRequest, Message: "The form must have one part, which is the file", Err: err}
	}
	form, err := r.MultipartReader()
	if err != nil {
		return up, nil, malformed(err)
	}
	part, err := form.NextRawPart()
	if err != nil || part.FileName() == "" {
		return up, nil, malformed(err)
	}
	if up.Name == "" {
		up.Name = part.FileName()
	}
	up.Type, up.Body = part.Header.Get("Content-Type"), part
	return up, func() error {
		if _, err := form.NextRawPart(); !errors.Is(err, io.EOF) {
			return malformed(err)
		}
		return nil
	}, nil
}

// fileCondition reads If-Match, which is here about the file.
func fileCondition(r *http.Request) ([]crud.Option, error) {
	if len(r.Header["If-None-Match"]) > 0 {
		return nil, badHeader("If-None-Match is for GET")
	}
	if err := notKept(r); err != nil {
		return nil, err
	}
	tags, all, err := entityTags(r.Header["If-Match"])
	if err != nil || tags == nil && !all {
		return nil, err
	}
	hashes := []string{}
	for _, tag := range tags {
		if !tag.weak {
			hashes = append(hashes, tag.text)
		}
	}
	if !all && len(hashes) == 0 {
		hashes = append(hashes, "") // which no file has
	}
	return []crud.Option{crud.IfFile(hashes...)}, nil
}

// removeFile removes the file of a row.
func (h *handlers) removeFile(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		opts, err := fileCondition(r)
		if err != nil {
			return h.first(r, authz.Update, err)
		}
		row, err := h.service.RemoveFile(r.Context(), r.PathValue("id"), name, opts...)
		if err != nil {
			return err
		}
		h.answer(w, r, http.StatusOK, row)
		return nil
	}
}

// download answers the file of a row, or the range of it that is asked for. It is never
// shown in place of a page of the service: whoever sent it could have made it one.
func (h *handlers) download(name string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		done, err := h.transfers.downloads.begin(r.Context(), &fetching)
		if err != nil {
			return h.first(r, authz.View, err)
		}
		defer done()
		d, err := h.service.OpenFile(r.Context(), r.PathValue("id"), name)
		if err != nil {
			return err
		}
		if _, err := d.Body.Read(nil); err != nil && !errors.Is(err, io.EOF) { // the first part, while an error can be told
			return err
		}
		header := w.Header()
		header.Set("Content-Type", harmless(d.File.Type))
		header.Set("Content-Disposition", disposition(d.File.Name))
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
		header.Set("Etag", `"`+d.File.SHA256+`"`)
		header.Add("Vary", "Authorization, Cookie")
		patience(w, d.File.Size)
		if strings.Contains(r.Header.Get("Range"), ",") { // each would load a part anew (RFC 9110 §14.2)
			r = r.Clone(r.Context())
			r.Header.Del("Range")
		}
		ranged := &inRange{ResponseWriter: w}
		if last, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=-"); ok && last != "" && strings.Trim(last, "0") == "" {
			ranged.refused = true // the last none of the bytes, which net/http takes for some
			header.Set("Content-Range", "bytes */"+strconv.FormatInt(d.File.Size, 10))
		} else {
			http.ServeContent(ranged, r, "", time.Time{}, d.Body)
		}
		if ranged.refused {
			for _, name := range []string{"Content-Disposition", "Content-Security-Policy", "Content-Length"} {
				header.Del(name)
			}
			return &gate.Error{Status: http.StatusRequestedRangeNotSatisfiable, Message: "The file has no bytes in this range"}
		}
		return nil
	}
}

// inRange leaves the answer to a range that is not there to whoever answers errors.
type inRange struct {
	http.ResponseWriter
	refused bool
}

// Unwrap is for [http.ResponseController].
func (w *inRange) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (w *inRange) WriteHeader(status int) {
	if w.refused = status == http.StatusRequestedRangeNotSatisfiable; !w.refused {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements [http.ResponseWriter].
func (w *inRange) Write(p []byte) (int, error) {
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

func disposition(name string) string {
	if s := mime.FormatMediaType("attachment", map[string]string{"filename": name}); s != "" {
		return s
	}
	return "attachment"
}

// harmless returns the type under which a file is answered: not as what browsers run.
func harmless(media string) string {
	if strings.HasPrefix(media, "text/") && media != "text/plain" && media != "text/csv" || strings.Contains(media, "xml") || strings.Contains(media, "script") {
		return "application/octet-stream"
	}
	return media
}

// Time for a file: slower is nobody who can be waited for.
const (
	leastTime = 60 * time.Second
	leastRate = 128 << 10 // bytes in a second
)

// patience gives a connection the time that a file of that size takes.
func patience(w http.ResponseWriter, size int64) {
	until := time.Now().Add(leastTime + time.Duration(size/leastRate)*time.Second)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(until) // not every server has deadlines
	_ = rc.SetWriteDeadline(until.Add(leastTime))
}
