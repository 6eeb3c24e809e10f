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
    encrypted_body: text('Encrypted message', {
      description:
        'Text of the alert for an encrypted message event (OMEMO, OpenPGP). It replaces the text that the message has for ' +
        'clients without encryption.',
      reload: true,
    }),
    invitation_body: text('Invitation to a group chat', {
      description: 'Text of the alert for a message event that is an invitation to a room without a text.',
      reload: true,
    }),
    language: text('', {
      description:
        'The language to push where a message event has texts in several languages. Without a text in this language, or ' +
        'with an empty value, the first text is pushed.',
      allowed: 'a language tag, such as de or pt-BR, or nothing',
      format: 'language',
      reload: true,
    }),
    sender: choice('', ['', 'full', 'bare'], {
      description:
        'How the address of a sender is shown. full: as received, with the resource, which may name a device; bare: ' +
        'without the resource. In a room the sender is always shown with the nick. Empty: bare for message events, full ' +
        'for publishes. A publish does not say that its message is from a room: the daemon tells by the name of the host ' +
        '(conference, muc …).',
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
        'How to push a publish that lacks the sender or the text. default: an alert with the defaults above; ' +
        'reject: an error, as MongooseIM answers it; silent: a push that wakes the app and shows nothing.',
      reload: true,
    }),
    on_empty: choice('silent', ['silent', 'drop'], {
      description: 'How to push an empty publish. silent: a push that wakes the app; drop: nothing is sent.',
      reload: true,
    }),
  },
  'What a push shows.',
)
