package model

import (
	"encoding/json"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A File is what is known of a file. What it holds is kept beside its row, under a key
// that nobody outside is told.
type File struct {
	Name   string `json:"name"` // as its sender called it, for people
	Size   int64  `json:"size"` // in bytes
	Type   string `json:"type"` // image/png
	SHA256 string `json:"sha256"`

	key string
}

// NewFile returns f under a new key, which is a UUID.
func NewFile(f File, key string) File {
	f.key = key
	return f
}

// Key returns the key under which is kept what the file holds.
func (f File) Key() string { return f.key }

func (f *File) append(dst []byte) []byte {
	dst = AppendString(append(dst, `{"name":`...), f.Name)
	dst = strconv.AppendInt(append(dst, `,"size":`...), f.Size, 10)
	dst = AppendString(append(dst, `,"type":`...), f.Type)
	dst = AppendString(append(dst, `,"sha256":`...), f.SHA256)
	return append(dst, '}')
}

// stored is the value of the column.
func (f *File) stored() []byte {
	dst := f.append(nil)
	dst = AppendString(append(dst[:len(dst)-1], `,"key":`...), f.key)
	return append(dst, '}')
}

func scanFile(p *File, src any) error {
	var raw json.RawMessage
	if err := scanJSON(&raw, src); err != nil {
		return err
	}
	column := struct {
		*File

		Key string `json:"key"`
	}{File: p}
	err := json.Unmarshal(raw, &column)
	p.key = column.Key
	return err
}

// maxFileName bounds the names of files, in code points.
const maxFileName = 200

// FileName returns what is left of a name that somebody gave a file when all that
// means something to a file system or a terminal is taken out of it: folders, control
// characters, what turns the direction of writing. It is empty if nothing is left.
func FileName(name string) string {
	if !utf8.ValidString(name) {
		return ""
	}
	name = path.Base("/" + strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(c rune) rune {
		if unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || strings.ContainsRune(`/"<>|?*:`, c) {
			return -1
		}
		return c
	}, name)
	if runes := []rune(name); len(runes) > maxFileName {
		end := path.Ext(name)
		if len(end) > 16 {
			end = ""
		}
		name = string(runes[:maxFileName-len(end)]) + end
	}
	return strings.Trim(name, ". ")
}
