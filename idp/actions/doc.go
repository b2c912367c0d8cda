// Package actions runs the JavaScript of Auth0 Actions as it stands: the code
// that a tenant hangs on log-in, sign-up, a change of password and the issuing
// of tokens to machines.
//
// A [Runner] takes the deployed actions of a trigger in their order and an event,
// and returns what they decided as data: a refusal, claims, metadata, a redirect.
// Nothing is done here; the caller does it, or refuses what it cannot do. An
// action that throws, never settles or runs out of its limits is an [Error], and
// an Error is a refusal, never a pass.
//
// # Limits
//
// Each execution has a fresh interpreter, its own deep copy of the event and its
// own secrets. It has no files and no environment; requests go to the hosts of
// [Config].AllowedHosts alone, and there to public addresses alone. Its time,
// stack, calls and console are bounded.
//
// Memory is what an interpreter inside this process cannot bound: one call may
// allocate more than there is. With [Config].Worker executions therefore run in
// processes of their own, which are killed when they outgrow [Config].MaxMemory
// or do not stop in time. The program that is started there calls [Work].
// [Config].InProcess is for development and tests: a watchdog stops what grows,
// but a single huge allocation can still end the program.
//
// # Language
//
// CommonJS modules in the language of ECMAScript 2022: async functions, optional
// chaining, private fields, named groups. What the interpreter lacks is an error
// of [Runner.Compile] with its line: "import" and "export", "for await", async
// generators. Of Node there are the globals and modules that actions use (see
// [Modules]); any other name in a require is an error of Compile, unless
// [Action].Modules brings a bundled file for it.
package actions
