package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gatewright/gate/design"
)

// A repository is the git repository that a folder is in. It is only read, by
// commands that run no hook, filter, pager or remote helper.
type repository struct{ dir string }

const maxRevision = 1000 // bytes

var (
	objectName = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	treeEntry  = regexp.MustCompile(`^([0-7]{6}) ([a-z]+) ([0-9a-f]{40}|[0-9a-f]{64}) +([0-9]+|-)\t`)
)

// commit returns the name of the commit that a revision means.
func (g *repository) commit(ctx context.Context, revision string) (string, error) {
	if revision == "" || len(revision) > maxRevision || strings.IndexFunc(revision, unicode.IsControl) >= 0 {
		return "", misused("write a commit, branch or tag, such as HEAD~1 or origin/main", "%s is not a revision", quoted(revision))
	}
	if _, err := g.run(ctx, 1<<10, "rev-parse", "--git-dir"); err != nil {
		return "", err
	}
	// Behind --end-of-options nothing is an option, and ^{commit} takes what is no
	// commit for nothing.
	out, err := g.run(ctx, 1<<10, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	hash := strings.TrimSpace(string(out))
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil || !objectName.MatchString(hash) {
		return "", misused("git log shows the revisions; a shallow clone has only the last", "there is no revision %s", quoted(revision))
	}
	return hash, nil
}

// file returns what a file in the folder held at a commit.
func (g *repository) file(ctx context.Context, commit, name string) ([]byte, error) {
	out, err := g.run(ctx, 64<<10, "ls-tree", "-z", "-l", commit, "--", name)
	if err != nil {
		return nil, err
	}
	where := fmt.Sprintf("%s at %s", name, abbreviated(commit))
	m := treeEntry.FindSubmatch(out)
	switch {
	case len(out) == 0:
		return nil, failf("name a revision that has one", "there is no %s in %s", where, quoted(g.dir))
	case m == nil || string(m[2]) != "blob":
		return nil, failf("", "%s is not a file", where)
	case !strings.HasPrefix(string(m[1]), "100"):
		return nil, failf("a link says nothing of what was behind it then", "%s is a symbolic link", where)
	}
	if size, err := strconv.Atoi(string(m[4])); err != nil || size > design.MaxSize {
		return nil, failf("", "%s is larger than %d bytes", where, design.MaxSize)
	}
	return g.run(ctx, design.MaxSize+1, "cat-file", "blob", string(m[3]))
}

// run runs git in the folder, and returns its output, of at most limit bytes.
func (g *repository) run(ctx context.Context, limit int, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "core.fsmonitor=false", "-C", g.dir}, args...)...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), ofAnother),
		"LC_ALL=C", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_PAGER=cat")
	stdout, stderr := &head{limit: limit}, &head{limit: 4 << 10}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	switch said := stderr.kept.String(); {
	case errors.Is(err, exec.ErrNotFound):
		return nil, failf("install it, or compare by hand", "git is not installed")
	case stdout.cut:
		return nil, fmt.Errorf("git answers more than %d bytes", limit)
	case err == nil:
		return stdout.kept.Bytes(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case strings.Contains(said, "not a git repository"):
		return nil, misused("--against compares with a revision of git", "%s is in no git repository", quoted(g.dir))
	case strings.TrimSpace(said) != "":
		first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
		return nil, fmt.Errorf("git %s: %s", args[0], printable(first))
	default:
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
}

// ofAnother reports whether a variable is about the repository of whoever started
// this command, as a hook of git does.
func ofAnother(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return slices.Contains([]string{
		"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE",
		"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_LITERAL_PATHSPECS",
	}, name) || strings.HasPrefix(name, "GIT_TRACE")
}

// head keeps the first bytes that are written to it. Its buffer is no embedded
// one, whose ReadFrom would know no limit.
type head struct {
	kept  bytes.Buffer
	limit int
	cut   bool
}

func (h *head) Write(p []byte) (int, error) {
	room := min(len(p), h.limit-h.kept.Len())
	h.cut = h.cut || room < len(p)
	h.kept.Write(p[:room])
	return len(p), nil
}

// quoted is a word of the command line as it may be printed.
func quoted(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return strconv.Quote(string(r[:most])) + " and so on"
	}
	return strconv.Quote(s)
}

// printable leaves out what a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
