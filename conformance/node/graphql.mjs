// graphql, the reference implementation, and graphql-http, whose audit is that of
// the GraphQL over HTTP working group, against a service.
import assert from 'node:assert/strict'
import test from 'node:test'
import { buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema, validateSchema, parse, validate } from 'graphql'
import { auditServer } from 'graphql-http'

const s = JSON.parse(process.argv[2])
const ask = async (url, query, variables) => {
  const res = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query, variables }) })
  return { status: res.status, ...(await res.json()) }
}

test('the schemas are valid', () => {
  for (const sdl of [s.sdl, s.generated]) {
    assert.deepEqual(validateSchema(buildSchema(sdl)), [])
  }
})

test('introspection tells the schema', async () => {
  const { status, data, errors } = await ask(s.url, getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true }))
  assert.equal(status, 200, JSON.stringify(errors))
  const print = (schema) => printSchema(lexicographicSortSchema(schema))
  const told = buildClientSchema(data)
  assert.deepEqual(validateSchema(told), [])
  // Directives that every schema has are printed by those who do not know them.
  assert.equal(print(told).replace(/"""[^"]*"""\ndirective @oneOf on INPUT_OBJECT\n\n/, ''), print(buildSchema(s.sdl)))
})

test('valid and invalid are the same', async () => {
  const schema = buildSchema(s.sdl)
  for (const query of [
    '{ books { title } }', '{ books { nope } }', '{ books }', '{ books(where: {title: {startsWith: 1}}) { title } }', '{ books(nope: 1) { title } }',
    'query($a: Int) { books { title } }', 'query { books(where: $w) { title } }', '{ books { ...f } } fragment f on Query { __typename }',
    '{ a: books { title } a: __typename }', 'mutation { createBook(input: {title: "x"}) { title } }', 'query a { __typename } query a { __typename }',
    '{ books @skip { title } }', '{ books @nope { title } }', '{ books(where: {title: {startsWith: "a", startsWith: "b"}}) { title } }',
    'fragment f on Book { title } { __typename }', '{ books { title } ... on Mutation { __typename } }',
  ]) {
    const { status, errors } = await ask(s.url, query)
    assert.equal(status === 200, validate(schema, parse(query)).length === 0, query + ': ' + status + ' ' + JSON.stringify(errors))
  }
})

test('the audit of GraphQL over HTTP', async (t) => {
  for (const result of await auditServer({ url: s.url, fetchFn: fetch })) {
    const must = result.name.startsWith('MUST')
    await t.test(result.name, { skip: !must && result.status !== 'ok' && result.reason }, () => {
      assert.equal(result.status, 'ok', result.reason)
    })
  }
})
