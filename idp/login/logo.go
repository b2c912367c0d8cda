package login

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // a kind of logo
	_ "image/png"  // a kind of logo
	"io"
	"slices"
	"strings"
)

// A Logo is a picture that is shown at up to 3 rem of height. The zero value is
// none.
type Logo struct {
	// MediaType is image/png, image/jpeg or image/svg+xml.
	MediaType string
	// Content is at most 128 KiB; PNG and JPEG at most 2048 pixels a side.
	Content []byte
}

const (
	maxLogo   = 128 << 10
	maxPixels = 2048
)

// check returns the file name of the logo, empty if there is none.
func (l Logo) check() (string, error) {
	switch {
	case len(l.Content) == 0 && l.MediaType == "":
		return "", nil
	case len(l.Content) == 0:
		return "", errors.New("it is empty")
	case len(l.Content) > maxLogo:
		return "", fmt.Errorf("it has %d bytes, at most %d are allowed", len(l.Content), maxLogo)
	}
	switch l.MediaType {
	case "image/png":
		return "logo.png", l.checkPixels("png")
	case "image/jpeg":
		return "logo.jpg", l.checkPixels("jpeg")
	case "image/svg+xml":
		return "logo.svg", checkSVG(l.Content)
	}
	return "", fmt.Errorf("%q is none of image/png, image/jpeg, image/svg+xml", l.MediaType)
}

func (l Logo) checkPixels(kind string) error {
	c, format, err := image.DecodeConfig(bytes.NewReader(l.Content))
	switch {
	case err != nil:
		return fmt.Errorf("it cannot be read: %w", err)
	case format != kind:
		return fmt.Errorf("it is said to be %s and is %s", kind, format)
	case c.Width > maxPixels || c.Height > maxPixels:
		return fmt.Errorf("it has %d × %d pixels, at most %d a side are allowed", c.Width, c.Height, maxPixels)
	}
	return nil
}

// checkSVG refuses a drawing that could run, load or embed anything. It refuses
// and does not clean: what comes out of a cleaner is another drawing than the
// one that somebody looked at.
func checkSVG(content []byte) error {
	d := xml.NewDecoder(bytes.NewReader(content))
	for root, depth := false, 0; ; {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && root:
			return nil
		case err != nil:
			return fmt.Errorf("it is no SVG: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 && (t.Name.Local != "svg" || t.Name.Space != svgSpace) {
				return errors.New("its root is no svg element of " + svgSpace)
			}
			root = true
			depth++
			if err := checkElement(t); err != nil {
				return err
			}
		case xml.EndElement:
			depth--
		case xml.Directive:
			return errors.New("it has a document type")
		case xml.ProcInst:
			if t.Target != "xml" {
				return fmt.Errorf("it has a processing instruction %q", t.Target)
			}
		}
	}
}

// svgSpace is the name space of SVG.
const svgSpace = "http://www.w3.org/2000/svg"

func checkElement(e xml.StartElement) error {
	allowed := []string{
		"svg", "g", "defs", "title", "desc", "symbol", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon",
		"linearGradient", "radialGradient", "stop", "clipPath", "mask", "pattern", "text", "tspan",
	}
	if e.Name.Space != svgSpace || !slices.Contains(allowed, e.Name.Local) {
		return fmt.Errorf("element %q is not allowed", e.Name.Local)
	}
	for _, a := range e.Attr {
		name, value := strings.ToLower(a.Name.Local), strings.ToLower(a.Value)
		switch {
		case strings.HasPrefix(name, "on"), name == "href", name == "style", name == "base":
			return fmt.Errorf("attribute %q is not allowed", a.Name.Local)
		case strings.Contains(value, "url(") && !strings.HasPrefix(strings.TrimSpace(value), "url(#"),
			strings.ContainsAny(value, "\\"), strings.Contains(value, "javascript:"), strings.Contains(value, "@import"):
			return fmt.Errorf("attribute %q points elsewhere", a.Name.Local)
		}
	}
	return nil
}
