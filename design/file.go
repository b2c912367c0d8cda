package design

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	maxFileSize     = 100 << 20
	defaultFileSize = 5 << 20
	maxFileTypes    = 50

	sizePattern  = `^[1-9][0-9]{0,8}(KB|MB)?$`
	mediaPattern = `^[a-z]+/(\*|[a-z0-9][a-z0-9!#$&^_.+-]{0,99})$`
)

var (
	sizeText  = regexp.MustCompile(sizePattern)
	mediaType = regexp.MustCompile(mediaPattern)
)

// fileSize reads a number of bytes, of KB or of MB.
func (l *loader) fileSize(n *node, path string) (int, bool) {
	if n.kind == KindString && sizeText.MatchString(n.text) {
		number, unit := n.text, 1
		if cut, ok := strings.CutSuffix(number, "KB"); ok {
			number, unit = cut, 1<<10
		} else if cut, ok := strings.CutSuffix(number, "MB"); ok {
			number, unit = cut, 1<<20
		}
		if size, err := strconv.Atoi(number); err == nil && size <= maxFileSize/unit {
			return size * unit, true
		}
	}
	if n.kind == KindInteger && wholeNumber.MatchString(n.text) {
		if size, err := strconv.Atoi(n.text); err == nil && size >= 1 && size <= maxFileSize {
			return size, true
		}
	}
	l.errs.Add(n.pos, path, fmt.Sprintf("%s has to be from 1 byte to 100MB, not %s", last(path), n.describe()), "write 500KB, 5MB, or a number of bytes")
	return 0, false
}

// fileTypes reads the media types that a file may be of.
func (l *loader) fileTypes(n *node, path string) []string {
	var types []string
	for i, item := range l.list(n, path) {
		at := fmt.Sprintf("%s[%d]", path, i)
		name, ok := l.text(item, at, 127)
		switch {
		case !ok:
		case !mediaType.MatchString(name) || name == "multipart/*" || strings.HasPrefix(name, "multipart/"):
			l.errs.Add(item.pos, at, fmt.Sprintf("%s is no media type", quote(name)), "write one in small letters, such as application/pdf, or image/* for all of a kind")
		case name == "application/x-www-form-urlencoded":
			l.errs.Add(item.pos, at, fmt.Sprintf("no file is of the type %s, which programs say that know none", quote(name)), "write text/plain, or what the files hold")
		case slices.Contains(types, name):
			l.errs.Add(item.pos, at, fmt.Sprintf("%s is there twice", quote(name)), "")
		default:
			types = append(types, name)
		}
	}
	if n.kind == KindList && (len(n.items) == 0 || len(n.items) > maxFileTypes) {
		l.errs.Add(n.pos, path, fmt.Sprintf("%s has to have from 1 to %d elements", last(path), maxFileTypes), "remove it to take any file")
	}
	return types
}

// files checks what entities with files ask of the service, and their tables.
func (l *loader) files() {
	owners := map[string]string{}
	for _, e := range l.d.Entities {
		owners[strings.ToLower(e.Table)] = "the entity " + e.Name
		for _, link := range e.Links {
			if link.Join != nil {
				owners[strings.ToLower(link.Join.Table)] = "the relation " + link.String()
			}
		}
	}
	for _, e := range l.d.Entities {
		files := e.FileFields()
		if len(files) == 0 {
			continue
		}
		for _, f := range files {
			f.Segment = l.segment(f.Name)
		}
		at, path := files[0].Pos, "entities."+e.Name+".fields."+files[0].Name
		l.checkSQLName("table", e.FileTable(), at, path, "name the table of the entity yourself, shorter: table: "+clip(e.Table, 40))
		if owner, ok := owners[e.FileTable()]; ok {
			l.errs.Add(at, path, fmt.Sprintf("the table %s, which keeps files of %s, belongs to %s", quote(e.FileTable()), e.Name, owner), "name another table there")
		}
		if !slices.Contains(l.d.Service.APIs, REST) {
			l.errs.Add(at, path, "files are sent and fetched by the REST API, which this service does not have", "write apis: [rest, graphql] under service")
		}
	}
}
