package server

import (
	"context"
	"fmt"
	"runtime/debug"
)

// version prints what the program was built from.
func version(_ context.Context, s Service, p process) int {
	own, gate, goVersion := "(devel)", "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		goVersion = info.GoVersion
		if info.Main.Version != "" {
			own = info.Main.Version
		}
		for _, dep := range info.Deps {
			if dep.Path == "github.com/gatewright/gate" {
				gate = dep.Version
			}
		}
	}
	line := s.Name + " " + own
	if gate != "" {
		line += ", gate " + gate
	}
	_, _ = fmt.Fprintln(p.stdout, line+", "+goVersion)
	return exitOK
}
