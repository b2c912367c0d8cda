package tenant

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// eachRow calls fn with each object of a JSON array, or of a file with one
// object a line, and the line where it begins. A row that cannot be read comes
// with an error in its place; so does one of more than most bytes.
func eachRow(r io.Reader, most int, fn func(line int, data []byte, err error) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	if mark, err := in.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(3) // was peeked
	}
	line := 1
	for {
		c, err := in.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read: %w", err)
		case c == '\n':
			line++
			continue
		case c == ' ' || c == '\t' || c == '\r':
			continue
		}
		if err := in.UnreadByte(); err != nil {
			return err
		}
		if c == '[' {
			return eachElement(in, line, most, fn)
		}
		return eachLine(in, line, most, fn)
	}
}

// eachLine reads one object a line.
func eachLine(in *bufio.Reader, line, most int, fn func(int, []byte, error) error) error {
	for ; ; line++ {
		data, long, err := readLine(in, most)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("line %d: %w", line, err)
		}
		switch data = bytes.TrimSpace(data); {
		case long:
			if err := fn(line, nil, fmt.Errorf("longer than %d bytes", most)); err != nil {
				return err
			}
		case len(data) > 0:
			if err := fn(line, data, nil); err != nil {
				return err
			}
		}
		if err != nil {
			return nil //nolint:nilerr // the end
		}
	}
}

// readLine reads a line of at most that many bytes; of a longer one it reads over
// the rest.
func readLine(in *bufio.Reader, most int) (data []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(data)+len(part) > most; !long {
			data = append(data, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return data, long, err
		}
	}
}

// eachElement reads a JSON array.
func eachElement(in io.Reader, line, most int, fn func(int, []byte, error) error) error {
	lines := &lineReader{in: in, line: line, most: most}
	dec := json.NewDecoder(lines)
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("line %d: %w", line, err)
	}
	for dec.More() {
		var data json.RawMessage
		lines.limit = dec.InputOffset() + 4*int64(most)
		if err := dec.Decode(&data); err != nil {
			return fmt.Errorf("line %d: %w", lines.at(dec.InputOffset()), err)
		}
		from := dec.InputOffset() - int64(len(data))
		var wrong error
		if len(data) > most {
			wrong = fmt.Errorf("longer than %d bytes", most)
		}
		if err := fn(lines.at(from), data, wrong); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("line %d: %w", lines.at(dec.InputOffset()), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("line %d: something follows the array", lines.at(dec.InputOffset()))
	}
	return nil
}

// A lineReader knows on which line a byte stands that was read lately.
type lineReader struct {
	in    io.Reader
	n     int64
	limit int64   // nothing is read beyond
	most  int     // bytes of a row
	line  int     // of what comes before breaks
	after []int64 // the offsets of line breaks
}

func (l *lineReader) Read(p []byte) (int, error) {
	if l.limit > 0 && l.n > l.limit {
		return 0, fmt.Errorf("row longer than %d bytes", l.most)
	}
	n, err := l.in.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.after = append(l.after, l.n+int64(i))
		}
	}
	l.n += int64(n)
	return n, err
}

// at returns the line of an offset. Offsets only go up.
func (l *lineReader) at(offset int64) int {
	for len(l.after) > 0 && l.after[0] < offset {
		l.after = l.after[1:]
		l.line++
	}
	return l.line
}
