package model

import (
	"encoding/json"

	"github.com/gatewright/gate/internal/strictjson"
)

// A Geo is a place on earth, in degrees of WGS 84 as GPS has them. The zero value is
// a place, too: in the sea south of Ghana.
type Geo struct {
	Lat float64 `json:"lat"` // from -90 to 90, positive in the north
	Lng float64 `json:"lng"` // from -180 to 180, positive in the east
}

const geoForm = `an object such as {"lat": 48.2082, "lng": 16.3738}`

func (g *Geo) append(dst []byte) []byte {
	dst = appendFloat(append(dst, `{"lat":`...), g.Lat)
	dst = appendFloat(append(dst, `,"lng":`...), g.Lng)
	return append(dst, '}')
}

// check refuses what is not on earth, NaN among it.
func (g *Geo) check() fault {
	switch {
	case !(g.Lat >= -90):
		return fault{CodeTooSmall, "lat must be from -90 to 90"}
	case !(g.Lat <= 90):
		return fault{CodeTooLarge, "lat must be from -90 to 90"}
	case !(g.Lng >= -180):
		return fault{CodeTooSmall, "lng must be from -180 to 180"}
	case !(g.Lng <= 180):
		return fault{CodeTooLarge, "lng must be from -180 to 180"}
	}
	return fault{}
}

func parseGeo(v any) (any, fault) {
	var g Geo
	ok := false
	switch v := v.(type) {
	case Geo:
		g, ok = v, true
	case map[string]any:
		var north, east bool
		g.Lat, north = toFloat(v["lat"])
		g.Lng, east = toFloat(v["lng"])
		ok = north && east && len(v) == 2
	}
	if !ok {
		return nil, fault{CodeType, "must be " + geoForm}
	}
	g.Lat, g.Lng = g.Lat+0, g.Lng+0 // -0 is 0
	return g, g.check()
}

// decodeGeo takes an object of the two members and no others, each once.
func decodeGeo(raw json.RawMessage) (any, fault) {
	members, err := strictjson.Members(raw)
	if err != nil {
		return nil, fault{CodeFormat, "must be " + geoForm}
	}
	place := make(map[string]any, len(members))
	for _, m := range members {
		if c := m.Value[0]; c != '-' && (c < '0' || c > '9') {
			return nil, fault{CodeType, "must be " + geoForm}
		}
		place[m.Key] = json.Number(m.Value)
	}
	return parseGeo(place)
}

func scanGeo(p *Geo, src any) error {
	var raw json.RawMessage
	if err := scanJSON(&raw, src); err != nil {
		return err
	}
	return json.Unmarshal(raw, p)
}
