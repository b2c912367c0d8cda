// Package looks is how pages look that a server of this module writes: one style sheet,
// the mark, and the drawing on the side board. They need no script and no style in the
// page, so that the strictest policy fits them.
package looks

import (
	"embed"

	"github.com/gatewright/gate/internal/markup"
)

//go:embed gate.css mark.svg mark.html grain.html seam.html
var files embed.FS

// Style returns gate.css.
func Style() []byte { return read("gate.css") }

// Icon returns mark.svg, which is the icon of the pages.
func Icon() []byte { return read("mark.svg") }

func read(name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		panic("looks: " + err.Error()) // the files are part of the program
	}
	return data
}

// Mark returns the mark, beside which the name of the service stands.
func Mark() markup.Part { return markup.File(files, "mark.html") }

// Drawing returns what is drawn on the side board: grain and seam.
func Drawing() markup.Part {
	return markup.All(markup.File(files, "grain.html"), markup.File(files, "seam.html"))
}
