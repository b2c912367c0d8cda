// Package gen turns a design into the source of a Go service.
//
// [Generate] is a pure function from a design, the plugins and what is known of
// the folder to a list of files; it touches no disk. [Apply] brings a folder to
// that list and never loses a line that somebody wrote:
//
//   - a [Generated] file is rewritten each time, removed when nothing generates it
//     any more, and left alone, with an error, when it was edited;
//   - a [Once] file is the user's as soon as it exists;
//   - an [AppendOnly] file, a migration, is written once and never changed;
//   - a [Merged] file, go.mod and go.sum, is shared: what the service needs is
//     added, what the user wrote stays.
//
// What a service consists of is decided by [Plugin] values; package
// gen/standard holds the list of those that come with gate. The plugin
// interface is experimental and may change in a minor version.
package gen
