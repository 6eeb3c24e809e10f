import { describe, expect, test } from 'vitest'
import { ejabberdLayout } from '../../../src/main/imports/ejabberd.ts'
import { ExportError } from '../../../src/main/imports/export-reader.ts'
import { mongooseImLayout } from '../../../src/main/imports/mongooseim.ts'
import { ServerExport } from '../../../src/main/imports/server-export.ts'
import { bytesOf, exported, faultsIn, readAll, subscriptionsIn } from './exports.ts'

const topic = 'zażółć\n 🚀\ttab'

describe('an export of ejabberd', () => {
  const read = (bytes: string, host?: string, partSize?: number) =>
    readAll(new ServerExport(ejabberdLayout(host), 'export'), bytes, partSize)

  const of = (name: string, enabled: string) => [
    {
      user: `${name}@example.com`,
      jid: 'push.example.com',
      node: 'n&1 "q" \'z\'',
      options: { service: 'apns', device_id: `tok-${name}`, secret: 's\'1"\\ <x>', topic },
      enabled,
    },
    { user: `${name}@example.com`, jid: 'other@push.example.com', node: 'plain', options: {}, enabled },
  ]
  const all = [...of('bob', '2026-11-22T09:39:20.000Z'), ...of('carol.o-x', '2026-11-22T09:39:21.000Z')]

  test.each([
    ['a dump of Mnesia', 'ejabberd.mnesia.txt', undefined],
    ['CSV', 'ejabberd.csv', 'example.com'],
    ['values parted by tabs, of the schema with a host', 'ejabberd.tsv', undefined],
  ])('is read from %s, in whatever parts it comes', (_, name, host) => {
    const bytes = exported(name)
    for (const partSize of [bytes.length, 1, 17, 1000]) {
      const found = read(bytes, host, partSize)
      expect(faultsIn(found)).toEqual([])
      expect(subscriptionsIn(found)).toHaveLength(4)
      expect(subscriptionsIn(found)).toEqual(expect.arrayContaining(all))
    }
  })

  test('is refused when nobody says whose host it is of', () => {
    const refusal = new ExportError(
      'export: the first line names no column server_host: export the table with a header',
    )
    expect(() => read(exported('ejabberd.csv'))).toThrow(refusal)
  })

  const form = (inner: string, type = 'submit') => `<x xmlns='jabber:x:data' type='${type}'>${inner}</x>`
  const formType = `<field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>`

  test.each([
    ['a user that is none', ['a@b', '1', 'push.test', 'n', ''], 'user is the JID of a user'],
    ['no user', ['', '1', 'push.test', 'n', ''], 'user is the JID of a user'],
    ['a service that is no address', ['bob', '1', '@', 'n', ''], 'jid: not the address of a push service'],
    ['no node', ['bob', '1', 'push.test', '', ''], 'node: missing or empty'],
    ['a time that is none', ['bob', 'now', 'push.test', 'n', ''], 'timestamp is no time in microseconds'],
    ['half a form', ['bob', '1', 'push.test', 'n', '<x>'], 'xml is no XML'],
    [
      'a form past a limit',
      ['bob', '1', 'push.test', 'n', '<x>'.repeat(33) + '</x>'.repeat(33)],
      'xml is larger than a form can be',
    ],
    [
      'a form that is not filled in',
      ['bob', '1', 'push.test', 'n', form(formType, 'form')],
      'a form of type form',
    ],
    [
      'a form about something else',
      ['bob', '1', 'push.test', 'n', form('')],
      'FORM_TYPE is not http://jabber.org/protocol/pubsub#publish-options',
    ],
    [
      'an option with two values',
      [
        'bob',
        '1',
        'push.test',
        'n',
        form(`${formType}<field var='a'><value>1</value><value>2</value></field>`),
      ],
      'a field without exactly one value',
    ],
    ['a value too few', ['bob', '1'], 'has 2 values, and the header names 5'],
  ])('names a row with %s, and reads the others', (_, row, reason) => {
    const header = 'username\ttimestamp\tservice\tnode\txml'
    const found = read(`${header}\n${row.join('\t')}\nbob\t1\tpush.test\tn\t\n`, 'chat.test')
    expect(faultsIn(found)).toEqual([`export:2: ${reason}`])
    expect(subscriptionsIn(found)).toMatchObject([{ user: 'bob@chat.test', node: 'n' }])
  })

  test.each([
    [
      'no user',
      '{push_session,bob,{1,2,3},{<<>>,<<"p">>,<<>>},<<"n">>,undefined}',
      'its user is no pair of texts',
    ],
    [
      'no time',
      '{push_session,{<<"b">>,<<"c">>},now,{<<>>,<<"p">>,<<>>},<<"n">>,undefined}',
      'its timestamp is no time',
    ],
    [
      'no service',
      '{push_session,{<<"b">>,<<"c">>},{1,2,3},p,<<"n">>,undefined}',
      'its service is no address',
    ],
    [
      'no node',
      '{push_session,{<<"b">>,<<"c">>},{1,2,3},{<<>>,<<"p">>,<<>>},n,undefined}',
      'its node is no text',
    ],
    [
      'no form',
      '{push_session,{<<"b">>,<<"c">>},{1,2,3},{<<>>,<<"p">>,<<>>},<<"n">>,{xmlel,1,[],[]}}',
      'its xml is no element',
    ],
    [
      'a process',
      '{push_session,{<<"b">>,<<"c">>},{1,2,3},<0.1.0>,<<"n">>,undefined}',
      'cannot be read at its line 1',
    ],
    ['no end', '{push_session,{<<"b">>', 'does not end'],
    ['too much', `{push_session,<<"${'x'.repeat(1024 * 1024)}">>}`, 'is too long'],
  ])('names a record with %s', (_, record, reason) => {
    expect(faultsIn(read(`{tables,[]}.\n${record}.\n`))).toEqual([`export:2: ${reason}`])
  })

  test('may hold other tables too', () => {
    const dump = `{tables,[]}.\n{passwd,{<<"b">>,<<"c">>},<<"{push_session,">>}.\n{session,<0.1.0>}.\n`
    expect(read(dump)).toEqual([])
  })

  test('may be empty', () => {
    expect(read('')).toEqual([])
    expect(read(' \n')).toEqual([])
  })
})

describe('an export of MongooseIM', () => {
  const read = (bytes: string, partSize?: number) =>
    readAll(new ServerExport(mongooseImLayout, 'export'), bytes, partSize)

  const bob = {
    user: 'bob@example.com',
    jid: 'pubsub.example.com',
    node: 'n,1 "q" \'z\'',
    options: { service: 'apns', device_id: 'tok-bob', secret: 's\'1"\\ <x>', topic },
  }
  const carol = { user: 'carol@example.com', jid: 'someone@push.example.org', node: 'plain', options: {} }
  const turtle = { user: 'żółw@example.com', jid: 'pubsub.example.com', node: 'two\nlines' }

  test.each(['mongooseim.csv', 'mongooseim.tsv'])('is read from its table, %s', (name) => {
    const bytes = exported(name)
    for (const partSize of [bytes.length, 1, 17]) {
      const found = read(bytes, partSize)
      expect(faultsIn(found)).toEqual([])
      expect(subscriptionsIn(found)).toEqual([
        { ...bob, enabled: '2026-11-22T09:33:34.000Z' },
        { ...carol, enabled: '2026-11-22T09:33:35.000Z' },
        { ...turtle, options: { service: 'fcm', device_id: 'tok,3' }, enabled: '2026-11-22T09:33:36.000Z' },
      ])
    }
  })

  test('is read from a dump of Mnesia, which holds no time, of newer and of older releases', () => {
    const found = read(exported('mongooseim.mnesia.txt'))
    expect(faultsIn(found)).toEqual([])
    const options = { service: 'fcm', device_id: 'für' }
    expect(subscriptionsIn(found)).toEqual(
      [bob, carol, { ...turtle, options }].map((one) => ({ ...one, enabled: undefined })),
    )
  })

  test('may leave out the time, and have its columns in any order', () => {
    const csv = 'form,pubsub_jid,owner_jid,NODE,more\n"{""a"":""b""}",p.test,Bob@Chat.test/phone,n,x\n'
    expect(subscriptionsIn(read(csv))).toEqual([
      { user: 'bob@chat.test', jid: 'p.test', node: 'n', options: { a: 'b' }, enabled: undefined },
    ])
  })

  test.each([
    ['a form that is no JSON', 'bob@chat.test\tp.test\tn\t{a\t1', 'form is no JSON object'],
    ['a form that is a list', 'bob@chat.test\tp.test\tn\t[]\t1', 'form is no JSON object'],
    ['an option that is no text', 'bob@chat.test\tp.test\tn\t{"a":1}\t1', 'options.a is text'],
    [
      'options without end',
      `bob@chat.test\tp.test\tn\t{"a":"${'x'.repeat(20_000)}"}\t1`,
      'options have at most 16384 bytes in a publish',
    ],
    [
      'a node without end',
      `bob@chat.test\tp.test\t${'n'.repeat(2_000)}\t{}\t1`,
      'node has at most 1023 bytes',
    ],
    ['no user', 'chat.test\tp.test\tn\t{}\t1', 'user is the JID of a user'],
    ['no address', 'bob@chat.test\t/\tn\t{}\t1', 'jid is the JID of an App Server'],
    ['a time that is none', 'bob@chat.test\tp.test\tn\t{}\tnever', 'created_at is no time in microseconds'],
  ])('names a row with %s', (_, row, reason) => {
    const found = read(`owner_jid\tpubsub_jid\tnode\tform\tcreated_at\n${row}\n`)
    expect(faultsIn(found)).toEqual([`export:2: ${reason}`])
  })

  test.each([
    ['no user', '{push_subscription,bob,{jid,<<>>,<<"p">>,<<>>},<<"n">>,#{}}', 'its user is no address'],
    ['no service', '{push_subscription,{<<"b">>,<<"c">>},<<"p">>,<<"n">>,#{}}', 'its service is no address'],
    ['no node', '{push_subscription,{<<"b">>,<<"c">>},{jid,<<>>,<<"p">>,<<>>},n,#{}}', 'its node is no text'],
    [
      'no options',
      '{push_subscription,{<<"b">>,<<"c">>},{jid,<<>>,<<"p">>,<<>>},<<"n">>,#{<<"a">> => 1}}',
      'its form is no list of options',
    ],
  ])('names a record with %s', (_, record, reason) => {
    expect(faultsIn(read(`${record}.\n`))).toEqual([`export:1: ${reason}`])
  })

  test('is refused without a header', () => {
    expect(() => read('bob@chat.test,n,p.test,{},1\n')).toThrow(
      'export: the first line names no column owner_jid, node, pubsub_jid, form: export the table with a header',
    )
    expect(() => read(bytesOf('{"user": "bob@chat.test"}\n'))).not.toThrow()
  })
})
