package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// lock keeps a second gate dev from the state of this one: both would write the same
// database, log and administrator. The file is taken for as long as it is open.
func (d *dev) lock() (*os.File, error) {
	if err := d.p.prepare(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(d.p.stateDir(), "dev.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	ok, err := lock(f)
	if err == nil && !ok {
		pid := make([]byte, 20)
		n, _ := f.Read(pid) // empty while the other one starts
		err = failf("stop it, or run this one on a copy of the folder", "another gate dev runs in %s%s", d.p.dir, numbered(string(pid[:n])))
	}
	if err == nil {
		if err = f.Truncate(0); err == nil {
			_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// numbered says which process it is; nothing when that is not known.
func numbered(pid string) string {
	if pid == "" {
		return ""
	}
	return " (process " + pid + ")"
}
