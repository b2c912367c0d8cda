package authz

import "fmt"

// Decision is the answer to a question. Whoever gets one that it does not know
// must refuse. A greater decision allows more, save that [OwnRows] and
// [TenantRows] are about different rows.
type Decision uint8

// The decisions. The zero value refuses.
const (
	Unauthenticated Decision = iota // somebody is needed and nobody is there: 401
	Forbidden                       // somebody is there and may not: 403
	OwnWithinTenant                 // allowed for rows that belong to the principal and to its tenant
	OwnRows                         // allowed for rows that belong to the principal
	TenantRows                      // allowed for rows of the principal's tenant, see [Policy.Tenant]
	OwnOrTenantRows                 // allowed for rows that belong to the principal or to its tenant
	Allowed                         // allowed for every row
)

var decisionNames = [...]string{
	"unauthenticated", "forbidden", "own_within_tenant", "own_rows", "tenant_rows", "own_or_tenant_rows", "allowed",
}

// String returns the name of the decision, for logs.
func (d Decision) String() string {
	if d > Allowed {
		return fmt.Sprintf("Decision(%d)", uint8(d))
	}
	return decisionNames[d]
}

// MarshalText returns the name.
func (d Decision) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
