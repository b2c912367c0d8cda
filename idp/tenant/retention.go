package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// How long the log is kept where the settings say nothing, in days.
const (
	logDays     = 400
	failedDays  = 90
	addressDays = 30
)

// day is in milliseconds.
const day = int64(24 * time.Hour / time.Millisecond)

// failedTypes are the entries of log-ins that did not come about.
const failedTypes = "'f', 'fp', 'fu', 'fsa', 'fepft', 'limit_wc', 'limit_mu', 'pwd_leak'"

// keepFor returns a number of days: what the settings say, or what is usual.
// Negative is for ever.
func keepFor(set, usual int) (days int, limited bool) {
	if set == 0 {
		set = usual
	}
	return set, set > 0
}

// sweepLogs deletes the entries that are too old, and cuts addresses of network.
// The age is told by their IDs, which every index of the table has.
func (s *Store) sweepLogs(ctx context.Context) (int, error) {
	set, err := s.Settings(ctx)
	if err != nil {
		return 0, err
	}
	now := s.now()
	total := 0
	for _, part := range []struct {
		set, usual int
		where      string
	}{
		{set.LogRetentionDays, logDays, "id < $1"},
		{set.FailedLogRetentionDays, failedDays, "id < $1 AND type IN (" + failedTypes + ")"},
	} {
		days, limited := keepFor(part.set, part.usual)
		if !limited {
			continue
		}
		n, err := s.sweep(ctx, "idp_logs", "id", part.where, logID(now.AddDate(0, 0, -days)))
		if total += n; err != nil {
			return total, err
		}
	}
	days, limited := keepFor(set.LogAddressDays, addressDays)
	if !limited {
		return total, nil
	}
	return total, s.cutAddresses(ctx, millis(now.AddDate(0, 0, -days)))
}

// cutAddresses leaves the networks of the addresses in entries before a time.
// What this process went through already is not looked at again.
func (s *Store) cutAddresses(ctx context.Context, before int64) error {
	from := s.addressesCut.Load()
	for from < before {
		rows, err := s.wholeAddresses(ctx, from, before)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		if err := s.writeAddresses(ctx, rows); err != nil {
			return err
		}
		from = rows[len(rows)-1].date
	}
	s.addressesCut.Store(before)
	return nil
}

// A logAddress is an entry whose address is to be cut.
type logAddress struct {
	id, ip, doc string
	date        int64
}

// wholeAddresses returns entries whose address is none of a network, the oldest
// first.
func (s *Store) wholeAddresses(ctx context.Context, from, before int64) ([]logAddress, error) {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT id, ip, doc, date FROM idp_logs
		WHERE date >= $1 AND date < $2 AND ip <> '' AND ip NOT LIKE '%/%' ORDER BY date LIMIT 500`, from, before)
	if err != nil {
		return nil, fmt.Errorf("read logs: %w", s.db.Wrap(err))
	}
	defer rows.Close()
	var list []logAddress
	for rows.Next() {
		var a logAddress
		if err := rows.Scan(&a.id, &a.ip, &a.doc, &a.date); err != nil {
			return nil, fmt.Errorf("read logs: %w", s.db.Wrap(err))
		}
		list = append(list, a)
	}
	return list, s.db.Wrap(rows.Err())
}

func (s *Store) writeAddresses(ctx context.Context, rows []logAddress) error {
	return s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, row := range rows {
			network := networkOf(row.ip)
			doc, err := withAddress(row.doc, row.ip, network)
			if err != nil {
				return fmt.Errorf("log entry %s: %w", row.id, err)
			}
			if _, err := tx.ExecContext(ctx, "UPDATE idp_logs SET ip = $2, doc = $3 WHERE id = $1", row.id, network, doc); err != nil {
				return err
			}
		}
		return nil
	})
}

// networkOf returns the /24 or /48 of an address, and nothing of what is none.
func networkOf(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return ""
	}
	return network.String()
}

// withAddress puts a network in the place of an address, wherever the document
// of an entry has it.
func withAddress(doc, ip, network string) (string, error) {
	var all any
	if err := json.Unmarshal([]byte(doc), &all); err != nil {
		return "", err
	}
	data, err := json.Marshal(replaced(all, ip, network))
	return string(storable(data)), err
}

func replaced(v any, old, by string) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = replaced(v[name], old, by)
		}
	case []any:
		for i := range v {
			v[i] = replaced(v[i], old, by)
		}
	case string:
		if v == old {
			return by
		}
	}
	return v
}
