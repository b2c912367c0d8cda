package rest

import (
	"strconv"
	"strings"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// included reads relations, by their paths or as groups of parameters:
//
//	$include=author,items.tags
//	$include[]=author & $include[items][$limit]=5 & $include[items][$include]=tags
func (rd *reader) included(p *param) []query.Include {
	var list []query.Include
	if p.leaf {
		rd.paths(&list, p)
		return list
	}
	for _, k := range p.kids {
		switch {
		case isIndex(k.name):
		case k.leaf || len(k.name) > maxParam:
			rd.bad(k.path, model.CodeMalformed, "must hold the parameters of a page, such as $limit")
		default:
			list = append(list, query.Include{Relation: k.name, Query: *rd.query(k.kids)})
		}
	}
	for _, k := range p.kids { // after the groups, of which they may be a part
		switch {
		case !isIndex(k.name):
		case k.leaf:
			rd.paths(&list, k)
		default:
			rd.bad(k.path, model.CodeMalformed, "must name relations")
		}
	}
	return list
}

func isIndex(name string) bool {
	_, err := strconv.ParseUint(name, 10, 16)
	return err == nil
}

// paths adds the relations of a list such as author,items.tags.
func (rd *reader) paths(list *[]query.Include, p *param) {
	paths := strings.Split(p.value, ",")
	if len(paths) > query.MaxIncludes {
		rd.bad(p.path, model.CodeLimit, "names too many relations")
		return
	}
	for _, path := range paths {
		names := strings.Split(path, ".")
		switch {
		case path == "":
			rd.bad(p.path, model.CodeMalformed, "must name relations: $include=author,items.tags")
		case len(path) > query.MaxIncludeDepth*(maxParam+1):
			rd.bad(p.path, model.CodeUnknown, "names something longer than the name of a relation")
		case len(names) > query.MaxIncludeDepth:
			rd.bad(p.path, model.CodeLimit, "leads through more than "+strconv.Itoa(query.MaxIncludeDepth)+" relations")
		default:
			at := list
			for _, name := range names {
				at = &find(at, name).Query.Include
			}
		}
	}
}

// find returns the relation of that name, which it adds if it is not there.
func find(list *[]query.Include, name string) *query.Include {
	for i := range *list {
		if (*list)[i].Relation == name {
			return &(*list)[i]
		}
	}
	*list = append(*list, query.Include{Relation: name})
	return &(*list)[len(*list)-1]
}
