package gate_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// securityRows are the sections of docs/security.md, each with the number of its
// last row. A row that is left out has a reason in the document.
var securityRows = []struct {
	area string
	last int
}{
	{"JWT", 18}, {"JKS", 8}, {"PWD", 12}, {"LOG", 16}, {"SES", 10}, {"OTP", 11}, {"AUZ", 19},
	{"KEY", 5}, {"OPS", 17}, {"GEN", 10}, {"HOK", 5}, {"AUD", 6},
}
