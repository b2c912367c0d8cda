package management

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

const (
	// maxImports is how many imports go on at a time.
	maxImports = 3
	// maxImport is the largest file to import, in bytes.
	maxImport = 500_000
	// keepJobs is how long a job can be asked for.
	keepJobs = 24 * time.Hour
	// importWithin is how long an import may take. One that has not ended by then
	// was broken off with its process.
	importWithin = 10 * time.Minute
	// endWithin is how long storing the end of a job may take.
	endWithin = 5 * time.Second
	// keepExport is how long the link to a file works.
	keepExport = time.Hour

	usersExport = "users_export" // the types of jobs
	usersImport = "users_import"

	locationOf = "location of " // the use of a sealed link, with the ID of its job

	jobToken    tenant.TokenKind = "job"
	exportToken tenant.TokenKind = "export"
)

// A job is work that goes on after the answer. It is kept as a token, whose text
// is its ID: every process finds it, and a sweep removes it.
type job struct {
	ID           string           `json:"id"`
	Type         string           `json:"type"`
	Status       string           `json:"status"` // pending, processing, completed, failed
	CreatedAt    time.Time        `json:"created_at"`
	Connection   string           `json:"connection,omitempty"`
	ConnectionID string           `json:"connection_id,omitempty"`
	ExternalID   string           `json:"external_id,omitempty"`
	Upsert       bool             `json:"upsert,omitempty"`
	Format       string           `json:"format,omitempty"`
	Location     string           `json:"location,omitempty"`
	Percentage   int              `json:"percentage_done,omitempty"`
	Summary      *summary         `json:"summary,omitempty"`
	Errors       []map[string]any `json:"errors,omitempty"`
}

type summary struct {
	Failed   int `json:"failed"`
	Updated  int `json:"updated"`
	Inserted int `json:"inserted"`
	Total    int `json:"total"`
}

func (a *API) newJob(kind string) *job {
	return &job{ID: "job_" + newText(22), Type: kind, Status: "pending", CreatedAt: a.now().UTC().Truncate(time.Millisecond)}
}

// saveJob stores a new job. The link to an export opens the file, to anybody: it is
// sealed.
func (a *API) saveJob(ctx context.Context, j *job) error {
	stored := *j
	stored.Location = a.store.Seal(j.Location, locationOf+j.ID)
	data, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	return a.store.CreateToken(ctx, secret.String(j.ID), tenant.Token{Kind: jobToken, ExpiresAt: a.now().Add(keepJobs), Data: data})
}

func (a *API) changeJob(ctx context.Context, j *job) error {
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return a.store.SetTokenData(ctx, jobToken, secret.String(j.ID), data, a.now().Add(keepJobs))
}

func (a *API) job(ctx context.Context, q *request) (*job, error) {
	t, err := a.store.Token(ctx, jobToken, secret.String(q.id("job")))
	if err != nil {
		return nil, orAbsent(err, "The job does not exist", "inexistent_job")
	}
	j := new(job)
	if err := json.Unmarshal(t.Data, j); err != nil {
		return nil, err
	}
	if j.Type == usersExport && !q.can("read:users") {
		return nil, insufficient("read:users") // its link opens the file
	}
	if j.Location, err = a.store.Unseal(j.Location, locationOf+j.ID); err != nil {
		return nil, err
	}
	if j.Type == usersImport && j.Summary == nil && a.now().After(j.CreatedAt.Add(importWithin+endWithin)) {
		j.fail(importFailed, brokenOff)
	}
	return j, nil
}

// brokenOff is why an import ended that can be tried again.
const brokenOff = "The import was broken off, try again"

const importFailed = "IMPORT_FAILED"

// fail ends a job for a reason.
func (j *job) fail(code, why string) {
	j.Status, j.Percentage = "failed", 100
	j.Errors = append(j.Errors, map[string]any{"errors": []map[string]string{{"code": code, "message": why}}})
}

func (a *API) getJob(ctx context.Context, q *request) (answer, error) {
	j, err := a.job(ctx, q)
	if err != nil {
		return answer{}, err
	}
	j.Errors = nil
	return ok(j)
}

func (a *API) getJobErrors(ctx context.Context, q *request) (answer, error) {
	j, err := a.job(ctx, q)
	switch {
	case err != nil:
		return answer{}, err
	case len(j.Errors) == 0:
		return noContent()
	}
	return ok(j.Errors)
}

// verificationJob sends a letter with which a user proves their address.
func (a *API) verificationJob(ctx context.Context, q *request) (answer, error) {
	o, err := q.only(shape.Schema{
		"user_id": {Check: shape.Text(1, 255), Needed: true}, "client_id": {Check: shape.Text(1, 64)},
		"identity": {Check: shape.ObjectOf(3, 1024)}, "organization_id": {Check: shape.Text(1, 64)},
	})
	if err != nil {
		return answer{}, err
	}
	if a.cfg.SendVerification == nil {
		return answer{}, unsupported("Letters are not sent here")
	}
	u, err := a.store.User(ctx, o.text("user_id"))
	if err != nil {
		return answer{}, noUser(err)
	}
	if u.Email == "" {
		return answer{}, &problem{status: 400, message: "The user does not have an email address.", code: "operation_not_supported"}
	}
	if id := o.text("client_id"); id != "" {
		if _, err := a.store.Clients.Get(ctx, id); err != nil {
			return answer{}, noClient(err)
		}
	}
	err = a.cfg.SendVerification(ctx, u, o.text("client_id"))
	if err != nil && !errors.Is(err, ErrVerified) {
		return answer{}, err
	}
	j := a.newJob("verification_email")
	shown := *j
	if j.Status = "completed"; err != nil { // as whoever asks afterwards finds it
		j.fail("EMAIL_VERIFIED", "The address is confirmed already: no letter was sent")
	}
	if err := a.saveJob(ctx, j); err != nil {
		return answer{}, err
	}
	return created(shown)
}

// exportJob makes a link to a file of users. The file is written when it is
// fetched.
func (a *API) exportJob(ctx context.Context, q *request) (answer, error) {
	o, err := q.only(shape.Schema{
		"connection_id": {Check: shape.Text(1, 64)}, "format": {Check: shape.OneOf("json", "csv")}, "limit": {Check: shape.Integer(1, 1<<31)},
		"fields": {Check: shape.List(100, shape.ObjectOf(2, 1024))},
	})
	if err != nil {
		return answer{}, err
	}
	opts := tenant.ExportOptions{Format: cmp.Or(o.text("format"), tenant.JSONLines)}
	if err := errors.Join(o.read("limit", &opts.Limit), o.read("fields", &opts.Fields)); err != nil {
		return answer{}, err
	}
	j := a.newJob(usersExport)
	if j.ConnectionID = o.text("connection_id"); j.ConnectionID != "" {
		c, err := a.store.Connections.Get(ctx, j.ConnectionID)
		if err != nil {
			return answer{}, noConnection(err)
		}
		opts.Connection, j.Connection = c.Name, c.Name
	}
	if err := a.store.ExportUsers(ctx, io.Discard, tenant.ExportOptions{Connection: opts.Connection, Fields: opts.Fields, Format: opts.Format, Limit: 1}); err != nil {
		return answer{}, err // the fields and the format are judged above
	}
	data, err := json.Marshal(export{opts, q.caller.Maker})
	if err != nil {
		return answer{}, err
	}
	ticket := secret.Text()
	if err := a.store.CreateToken(ctx, ticket, tenant.Token{Kind: exportToken, ExpiresAt: a.now().Add(keepExport), Data: data}); err != nil {
		return answer{}, err
	}
	j.Format = opts.Format
	shown := *j
	j.Status, j.Percentage = "completed", 100
	j.Location = a.Audience() + "jobs/exports/" + ticket.Reveal()
	if err := a.saveJob(ctx, j); err != nil {
		return answer{}, err
	}
	return ok(shown)
}

// asFault reports whether an error is for the log and not for the caller.
func asFault(err error) bool {
	p, fault := asProblem(err)
	return fault && p.status == 503
}

// An export is what the link to a file of users stands for.
type export struct {
	tenant.ExportOptions
	Maker json.RawMessage `json:"maker,omitempty"`
}

// download writes a file of users to who has the link, while who made it may read them.
func (a *API) download(ctx context.Context, q *request) (answer, error) {
	t, err := a.store.Token(ctx, exportToken, secret.String(q.id("ticket")))
	var e export
	if err == nil {
		err = json.Unmarshal(t.Data, &e)
	}
	if err == nil && a.cfg.Stands != nil {
		var stands bool
		if stands, err = a.cfg.Stands(ctx, e.Maker, "read:users"); err == nil && !stands {
			err = fmt.Errorf("maker %w", tenant.ErrNotFound)
		}
	}
	if err != nil {
		return answer{}, orAbsent(err, "The export does not exist", "inexistent_job")
	}
	opts := e.ExportOptions
	opts.Hashes = false
	media, file := "application/x-ndjson", "users.ndjson"
	if opts.Format == tenant.CSV {
		media, file = "text/csv; charset=utf-8", "users.csv"
	}
	return answer{status: 200, media: media, file: file, stream: func(w io.Writer) error { return a.store.ExportUsers(ctx, w, opts) }}, nil
}

// importJob reads users from a file, in the background.
func (a *API) importJob(ctx context.Context, q *request) (answer, error) {
	form, err := q.importForm()
	if err != nil {
		return answer{}, err
	}
	upsert := form["upsert"] == "true"
	switch {
	case upsert && !q.can("update:users"):
		return answer{}, insufficient("update:users") // it changes those who are there
	case !upsert && form["upsert"] != "" && form["upsert"] != "false":
		return answer{}, badProperty("upsert", "No enum match for: "+shape.Cut(form["upsert"], 32), "true or false")
	}
	c, err := a.store.Connections.Get(ctx, form["connection_id"])
	if err != nil {
		return answer{}, noConnection(err)
	}
	if c.Strategy != tenant.Database {
		return answer{}, unsupported("Users are imported into database connections alone")
	}
	select {
	case a.jobs.slots <- struct{}{}:
	default:
		return answer{}, &problem{
			status: 429, code: "too_many_imports",
			message: "There are 3 active import users jobs, please wait until some of them are finished and try again",
		}
	}
	j := a.newJob(usersImport)
	j.Connection, j.ConnectionID, j.ExternalID, j.Upsert = c.Name, c.ID, form["external_id"], upsert
	if err := a.saveJob(ctx, j); err != nil {
		<-a.jobs.slots
		return answer{}, err
	}
	shown := *j
	a.background("import users", func(ctx context.Context) error {
		defer func() { <-a.jobs.slots }()
		return a.runImport(ctx, j, form["users"])
	})
	return accepted(shown)
}

// importForm reads the fields of a form, of which users is a file.
func (q *request) importForm() (map[string]string, error) {
	if q.media != "multipart/form-data" || q.bounds["boundary"] == "" {
		return nil, badBody("The body has to be multipart/form-data with a file named users")
	}
	most := map[string]int{"users": maxImport, "connection_id": 64, "upsert": 32, "external_id": 1024, "send_completion_email": 32}
	form := map[string]string{}
	r := multipart.NewReader(bytes.NewReader(q.body), q.bounds["boundary"])
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, badBody("The form cannot be read")
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return nil, badBody("The form cannot be read")
		}
		name := part.FormName()
		limit, known := most[name]
		_, twice := form[name]
		switch {
		case !known:
			return nil, badProperty("", "Additional properties not allowed: "+shape.Cut(name, 32), "")
		case name == "users" && len(data) > limit:
			return nil, &problem{status: 413, message: "The file of users is larger than 500 kB"}
		case twice || len(data) > limit:
			return nil, badProperty(name, "is there twice or too long", "")
		}
		form[name] = string(data)
	}
	for _, name := range []string{"connection_id", "users"} {
		if form[name] == "" {
			return nil, badProperty(name, "Missing required property: "+name, "")
		}
	}
	return form, nil
}

func (a *API) runImport(ctx context.Context, j *job, users string) error {
	ctx, cancel := context.WithTimeout(ctx, importWithin)
	defer cancel()
	j.Status = "processing"
	err := a.changeJob(ctx, j)
	var report tenant.ImportReport
	if err == nil {
		report, err = a.store.ImportUsers(ctx, strings.NewReader(users), tenant.ImportOptions{Connection: j.Connection, Upsert: j.Upsert, Job: j.ID})
	}
	j.Status, j.Percentage = "completed", 100
	j.Summary = &summary{Failed: report.Failed, Updated: report.Updated, Inserted: report.Inserted, Total: report.Total}
	for _, row := range report.Errors {
		fault := map[string]string{"code": "INVALID_ROW", "message": shape.Cut(row.Err.Error(), 300)}
		if wrong, ok := errors.AsType[*tenant.FieldError](row.Err); ok {
			fault["path"] = wrong.Field
		}
		j.Errors = append(j.Errors, map[string]any{
			"user": map[string]any{"line": row.Line, "name": row.User}, "errors": []map[string]string{fault},
		})
	}
	if err != nil {
		j.fail(importFailed, importReason(err))
	}
	return errors.Join(fault(err), a.endJob(ctx, j))
}

// endJob stores what became of a job, one that was broken off too.
func (a *API) endJob(ctx context.Context, j *job) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
	defer cancel()
	return a.changeJob(ctx, j)
}

// importReason says why an import ended.
func importReason(err error) string {
	if asFault(err) || errors.Is(err, context.Canceled) {
		return brokenOff
	}
	return shape.Cut(err.Error(), 300)
}

// fault returns err if it is one for the log.
func fault(err error) error {
	if err != nil && asFault(err) {
		return err
	}
	return nil
}

// background runs fn after the answer, for as long as the API is open.
func (a *API) background(what string, fn func(context.Context) error) {
	a.jobs.running.Go(func() {
		if err := fn(a.jobs.ctx); err != nil {
			a.log.ErrorContext(a.jobs.ctx, "management work in the background failed", "work", what, "err", err)
		}
	})
}
