package admin_test

import (
	"os"
	"testing"

	"github.com/gatewright/gate/conformance/internal/stagetest"
)

func TestMain(m *testing.M) { os.Exit(stagetest.Main(m, "../browser", false, nil)) }
