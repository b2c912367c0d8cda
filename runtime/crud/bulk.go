package crud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/runtime/model"
)

// MaxBulk is how many rows can be created, changed or deleted at once.
const MaxBulk = 100

// enoughProblems is after how many that are found in rows nobody looks for more.
const enoughProblems = 1000

// CreateRows implements [Service].
func (r *engine) CreateRows(ctx context.Context, body []byte, sel []string, opts ...Option) (*Rows, error) {
	c := callerFrom(ctx)
	if err := r.may(c, authz.Create); err != nil {
		return nil, err
	}
	selected, err := r.selection(c, sel)
	if err != nil {
		return nil, err
	}
	if r.hasher != nil { // hashing many passwords in one request is an attack
		return nil, &gate.Error{Status: http.StatusBadRequest, Message: r.entity.Plural + " are created one by one"}
	}
	list, err := objects(body)
	if err != nil {
		return nil, badRequest(err)
	}
	drafts := make([]*draft, len(list))
	var problems model.Problems
	at := outermost()
	for i, object := range list {
		if len(problems) > enoughProblems {
			break
		}
		d, found, err := r.draft(c, r.fromJSON(object, at))
		if err != nil {
			return nil, err
		}
		drafts[i] = d
		problems = append(problems, inRow(i, found)...)
	}
	if err := refused(problems); err != nil {
		return nil, err
	}
	made := make([]*draft, len(drafts))
	o := optionsOf(opts)
	err = r.inTx(ctx, o, func(ctx context.Context, t *transaction) error {
		ids := make([]string, len(drafts))
		for i, d := range drafts {
			made[i] = r.freshDraft(d)
			if err := r.insert(ctx, t, c, made[i]); err != nil {
				return err
			}
			ids[i] = r.id(made[i].Row)
		}
		return o.finish(ctx, t, ids...)
	})
	if err != nil {
		return nil, err
	}
	rows := &Rows{Total: int64(len(made)), Limit: len(made), enc: r, len: len(made)}
	data := make([]record, len(made))
	for i, d := range made {
		data[i] = d.Row
		rows.sets = append(rows.sets, r.answered(ctx, c, d.Row, d.sent).Intersect(selected))
	}
	rows.rows = data
	return rows, nil
}

// inRow says in which row of a list the problems are.
func inRow(i int, problems model.Problems) model.Problems {
	for k := range problems {
		problems[k].Field = fmt.Sprintf("[%d].%s", i, problems[k].Field)
	}
	return problems
}

// objects splits a JSON array of objects.
func objects(body []byte) ([]json.RawMessage, error) {
	var list []json.RawMessage
	long := strictjson.Longer(body, MaxBulk)
	if !long && (json.Unmarshal(body, &list) != nil || list == nil) {
		return nil, model.Problems{{Code: model.CodeMalformed, Message: "not a list of objects"}}
	}
	if long || len(list) == 0 {
		return nil, model.Problems{{Code: model.CodeLimit, Message: "a list has 1 to " + strconv.Itoa(MaxBulk) + " objects"}}
	}
	return list, nil
}
