package app_test

import "github.com/gatewright/gate/runtime/permtest"

// samples says what TestPermissions cannot know from gate.yaml: which values your
// hooks want in a row, and what they refuse that the rules allow. This file is
// yours, and is never written again.
//
//	c.Samples = map[string]permtest.Sample{
//		"Item": func(n int, row map[string]any) { row["name"] = fmt.Sprintf("value %d", n) },
//	}
//	c.Except = map[string]string{
//		"anonymous · create · Item": "the hook asks for an invitation",
//	}
func samples(c *permtest.Config) {}
