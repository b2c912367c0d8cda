package crud

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
)

// An Upload is a file as somebody sends it.
type Upload struct {
	Name string // as they call it
	Type string // what they say it is; empty leaves that to what it holds
	Body io.Reader
}

// Staged is a file that was sent and checked, and is not kept yet. It is in a file of
// the system, which has no name.
type Staged struct {
	File model.File

	of    *model.Field // for which it was checked
	bytes *os.File
}

// Close forgets what was staged.
func (s *Staged) Close() error {
	return errors.Join(s.bytes.Close(), gone(os.Remove(s.bytes.Name())))
}

func gone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// sniffed is how many bytes say what a file is.
const sniffed = 512

// stage reads a file that is sent for a field.
func stage(f *model.Field, up Upload) (*Staged, error) {
	head := make([]byte, sniffed)
	n, err := io.ReadFull(up.Body, head)
	head = head[:n]
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, unread(f, err)
	}
	if n == 0 {
		return nil, &gate.Error{Status: http.StatusBadRequest, Message: "The file is empty"}
	}
	media, problem := mediaOf(up.Type, head, f.FileTypes)
	if problem != "" {
		return nil, &gate.Error{Status: http.StatusUnsupportedMediaType, Message: problem}
	}
	staged, err := stagedBytes(f, io.MultiReader(bytes.NewReader(head), up.Body))
	if err != nil {
		return nil, err
	}
	name := model.FileName(up.Name)
	if name == "" {
		name = f.Name
	}
	staged.of, staged.File.Name, staged.File.Type = f, name, media
	staged.File = model.NewFile(staged.File, model.UUID.New(now()))
	return staged, nil
}

// stagedBytes reads as many bytes as a file may have, and no more.
func stagedBytes(f *model.Field, body io.Reader) (*Staged, error) {
	to, err := nameless()
	if err != nil {
		return nil, fmt.Errorf("a place for a file that is sent: %w", err)
	}
	s := &Staged{bytes: to}
	sum := sha256.New()
	size, err := io.CopyBuffer(onlyWriter{io.MultiWriter(to, sum)}, io.LimitReader(body, int64(f.MaxSize)+1), make([]byte, 32<<10))
	if err == nil && size > int64(f.MaxSize) {
		err = tooLarge(f)
	}
	if err != nil {
		if _, written := errors.AsType[*os.PathError](err); written {
			return nil, errors.Join(unavailable(err), s.Close())
		}
		return nil, errors.Join(unread(f, err), s.Close())
	}
	s.File.Size, s.File.SHA256 = size, hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

// onlyWriter hides what else a writer can do.
type onlyWriter struct{ io.Writer }

// nameless returns a new file of the system: in the folder for such, or, where a
// container has none, in the one that the service runs in. Where the system allows it
// it has no name any more, and ends with the process.
func nameless() (*os.File, error) {
	f, err := os.CreateTemp("", "gate-upload-*")
	if err != nil {
		f, err = os.CreateTemp(".", ".gate-upload-*")
	}
	if err == nil {
		_ = os.Remove(f.Name()) // or Close does it
	}
	return f, err
}

// unread is the answer to a file that did not arrive.
func unread(f *model.Field, err error) error {
	if e, ok := errors.AsType[*gate.Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(f)
	}
	return &gate.Error{Status: http.StatusBadRequest, Message: "The file could not be read", Err: err}
}

func tooLarge(f *model.Field) error {
	return &gate.Error{Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("The file must have at most %d bytes", f.MaxSize)}
}

// parts calls add with each part of the file, from the first one.
func (s *Staged) parts(add func(part int64, data []byte) error) error {
	buf := make([]byte, partSize)
	for part := range (s.File.Size + partSize - 1) / partSize {
		n := min(partSize, s.File.Size-part*partSize)
		if _, err := s.bytes.ReadAt(buf[:n], part*partSize); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read a file that was sent: %w", err)
		}
		if err := add(part, buf[:n]); err != nil {
			return err
		}
	}
	return nil
}

// A Download is a file that somebody may read.
type Download struct {
	File model.File
	Body io.ReadSeeker
}

// parts reads a file part by part, and keeps one of them.
type parts struct {
	size, at int64
	load     func(part int64) ([]byte, error)
	loaded   int64 // which part data is; -1 for none
	data     []byte
}

// Read implements [io.Reader].
func (p *parts) Read(to []byte) (int, error) {
	if p.at >= p.size {
		return 0, io.EOF
	}
	if part := p.at / partSize; part != p.loaded {
		data, err := p.load(part)
		if err == nil && int64(len(data)) != min(partSize, p.size-part*partSize) {
			err = fmt.Errorf("part %d of a file has %d bytes", part, len(data))
		}
		if err != nil {
			return 0, err
		}
		p.loaded, p.data = part, data
	}
	n := copy(to, p.data[p.at%partSize:])
	p.at += int64(n)
	return n, nil
}

// Seek implements [io.Seeker].
func (p *parts) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += p.at
	case io.SeekEnd:
		offset += p.size
	}
	if offset < 0 {
		return 0, errors.New("crud: a place before a file")
	}
	p.at = offset
	return offset, nil
}

// octets is the type of what nobody knows more about.
const octets = "application/octet-stream"

// mediaOf returns the type of a file that is said to be of one, and holds something:
// what its bytes tell counts, and what is said where they tell nothing against it.
// Otherwise it returns what is wrong.
func mediaOf(said string, head []byte, allowed []string) (media, problem string) {
	said, _, _ = strings.Cut(said, ";")
	said = strings.ToLower(strings.TrimSpace(said))
	is, _, _ := strings.Cut(http.DetectContentType(head), ";")
	switch {
	case said == "" || said == octets || said == "application/x-www-form-urlencoded":
		media = is
	case said == is, fits(said, is):
		media = said
	default:
		return "", fmt.Sprintf("The file is said to be %s, and holds %s", clipped(said), is)
	}
	if len(allowed) == 0 {
		return media, ""
	}
	for _, a := range allowed {
		kind, every := strings.CutSuffix(a, "/*")
		if a == media || every && strings.HasPrefix(media, kind+"/") {
			return media, ""
		}
	}
	return "", "The file must be of the type " + strings.Join(allowed, " or ")
}

func clipped(s string) string {
	if len(s) > 100 || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return "something else"
	}
	return s
}

// fits reports whether what bytes tell leaves open that a file is of a type.
func fits(said, is string) bool {
	kind, sub, _ := strings.Cut(said, "/")
	if len(said) > 100 || kind == "" || sub == "" || strings.Contains(sub, "/") || strings.ContainsFunc(said, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return false
	}
	switch is {
	case "text/plain", "text/xml": // that is text, of any kind that has no sign of its own
		return textual(said)
	case "application/zip":
		return strings.HasPrefix(said, "application/vnd.") || strings.HasSuffix(said, "+zip") || said == "application/x-zip-compressed" || said == "application/java-archive"
	case "application/x-gzip":
		return said == "application/gzip" || said == "application/x-tar"
	case "audio/wave":
		return said == "audio/wav" || said == "audio/x-wav"
	case "application/ogg":
		return said == "audio/ogg" || said == "video/ogg"
	case "video/webm":
		return said == "audio/webm" || said == "video/x-matroska" || said == "audio/x-matroska"
	case "video/avi":
		return said == "video/x-msvideo" || said == "video/vnd.avi"
	case "application/x-rar-compressed":
		return said == "application/vnd.rar"
	case "image/x-icon":
		return said == "image/vnd.microsoft.icon"
	case "video/mp4":
		return said == "audio/mp4" || said == "audio/x-m4a" || said == "video/x-m4v" || said == "video/quicktime" || said == "image/heic" || said == "image/avif"
	case octets: // the bytes of no type that has a sign
		return !textual(said) && !signed(said)
	}
	return false
}

// textual reports whether files of a type are text.
func textual(media string) bool {
	switch media {
	case "application/json", "application/xml", "application/yaml", "application/sql", "application/toml", "application/x-ndjson",
		"application/rtf", "application/javascript", "application/pem-certificate-chain", "application/x-pem-file", "image/svg+xml":
		return true
	case "text/html": // which has a sign
		return false
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml") || strings.HasPrefix(media, "message/")
}

// signed reports whether files of a type begin with a sign that is known here.
func signed(media string) bool {
	switch media {
	case "image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "application/pdf", "application/zip", "application/gzip",
		"application/x-gzip", "text/html", "video/webm", "application/postscript":
		return true
	}
	return false
}
