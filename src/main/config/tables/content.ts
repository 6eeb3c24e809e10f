import { choice, flag, table, text } from '../keys.ts'

export const contentTable = table(
  {
    default_title: text('New message', {
      description: 'Title of an alert whose publish names no sender.',
      reload: true,
    }),
    default_body: text('You have a new message', {
      description: 'Text of an alert whose publish has none.',
      reload: true,
    }),
    include_sender: flag(true, {
      description: 'Whether the sender may leave this daemon; if not, `default_title` stands in.',
      reload: true,
    }),
    include_body: flag(true, {
      description: 'Whether the message text may leave this daemon; if not, `default_body` stands in.',
      reload: true,
    }),
    on_missing: choice('default', ['default', 'reject', 'silent'], {
      description:
        'What becomes of a publish that has only some of sender and text. default: an alert with the defaults above; ' +
        'reject: an error, as MongooseIM answers it; silent: a push that wakes the app and shows nothing.',
      reload: true,
    }),
    on_empty: choice('silent', ['silent', 'drop'], {
      description:
        'What becomes of a publish with nothing in it. silent: a push that wakes the app; drop: nothing is sent.',
      reload: true,
    }),
  },
  'What a push shows.',
)
