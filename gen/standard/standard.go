// Package standard is the one list of the plugins that come with gate.
package standard

import (
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/plugin/admin"
	"github.com/gatewright/gate/gen/plugin/authapikey"
	"github.com/gatewright/gate/gen/plugin/authauth0"
	"github.com/gatewright/gate/gen/plugin/authbasic"
	"github.com/gatewright/gate/gen/plugin/authcore"
	"github.com/gatewright/gate/gen/plugin/authjwt"
	"github.com/gatewright/gate/gen/plugin/authletters"
	"github.com/gatewright/gate/gen/plugin/authoidc"
	"github.com/gatewright/gate/gen/plugin/authsession"
	"github.com/gatewright/gate/gen/plugin/ci"
	"github.com/gatewright/gate/gen/plugin/clientts"
	"github.com/gatewright/gate/gen/plugin/docker"
	"github.com/gatewright/gate/gen/plugin/graphql"
	"github.com/gatewright/gate/gen/plugin/metrics"
	"github.com/gatewright/gate/gen/plugin/otel"
	"github.com/gatewright/gate/gen/plugin/permtest"
	"github.com/gatewright/gate/gen/plugin/realtime"
	"github.com/gatewright/gate/gen/plugin/rest"
	"github.com/gatewright/gate/gen/plugin/seed"
	"github.com/gatewright/gate/gen/plugin/service"
	"github.com/gatewright/gate/gen/plugin/swaggerui"
)

// Plugins returns the plugins that come with gate, in the order in which they
// are shown to people and, where nothing else says, contribute.
func Plugins() []gen.Plugin {
	return []gen.Plugin{
		service.Plugin(),
		rest.Plugin(),
		graphql.Plugin(),
		permtest.Plugin(),
		authcore.Plugin(),
		authjwt.Plugin(),
		authoidc.Plugin(),
		authauth0.Plugin(),
		authsession.Plugin(),
		authbasic.Plugin(),
		authapikey.Plugin(),
		authletters.Plugin(),
		realtime.Plugin(),
		seed.Plugin(),
		swaggerui.Plugin(),
		metrics.Plugin(),
		otel.Plugin(),
		clientts.Plugin(),
		admin.Plugin(),
		docker.Plugin(),
		ci.GitHub(),
		ci.GitLab(),
	}
}
