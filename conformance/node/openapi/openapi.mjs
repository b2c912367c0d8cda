// @redocly/cli, openapi-typescript and openapi-fetch on the documents of generated
// services, and the client that they make against one that runs.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { pathToFileURL } from 'node:url'

const s = JSON.parse(process.argv[2])
const here = import.meta.dirname
const program = (name, ...args) => {
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  return spawnSync(process.execPath, [join(here, 'node_modules', ...name.split('/')), ...args], { cwd: here, env, encoding: 'utf8', maxBuffer: 1 << 28 })
}
cpSync(s.documents, join(here, 'documents'), { recursive: true })
const documents = readdirSync(join(here, 'documents'))

// What the rules cannot know: a WebSocket begins with a 101, a page that anybody
// may read has nothing to refuse, and one of the designs has a hostile description.
const known = [
  ['operation-2xx-response', '#/paths/~1api~1socket/get/responses'],
  ['operation-4xx-response', '#/paths/~1api~1auth-config.json/get/responses'],
  ['no-unsafe-markdown', '#/info/description'],
]

test('redocly finds nothing', () => {
  assert.ok(documents.length >= 20, `${documents.length} documents`)
  const run = program('@redocly/cli/bin/cli.js', 'lint', '--config=lint.yaml', '--format=json', '--max-problems=1000', ...documents.map((d) => join('documents', d)))
  const reports = run.stdout.split(/(?<=^\})\s*(?=\{)/m).map((text) => JSON.parse(text))
  assert.equal(reports.length, documents.length)
  const left = reports.flatMap((r) => r.problems).filter((p) => !p.location.every((l) => known.some(([rule, at]) => rule === p.ruleId && at === l.pointer)))
  assert.deepEqual(left.map((p) => `${p.location[0].source.ref}${p.location[0].pointer}: ${p.ruleId}: ${p.message}`), [])
})

test('redocly finds what is wrong', () => {
  writeFileSync(join(here, 'wrong.json'), JSON.stringify({ openapi: '3.1.0', info: { title: 'x', version: '1' }, paths: { '/a': { get: { responses: { 200: { $ref: '#/nowhere' } } } } } }))
  assert.equal(program('@redocly/cli/bin/cli.js', 'lint', '--config=lint.yaml', 'wrong.json').status, 1)
})

test('the types compile strictly', () => {
  for (const name of ['restaurant', 'restaurant-auth0', 'helpdesk', 'everything-graphql']) {
    const types = join('documents', name)
    const made = program('openapi-typescript/bin/cli.js', `${types}.json`, '--default-non-nullable=false', '-o', `${types}.d.ts`)
    assert.equal(made.status, 0, made.stderr)
  }
  const run = program('typescript/bin/tsc', '-p', '.')
  assert.equal(run.status, 0, run.stdout)
})

test('a typed client', async () => {
  const { use } = await import(pathToFileURL(join(here, 'built', 'client.js')))
  await use(s.url, s.login, s.password)
})
