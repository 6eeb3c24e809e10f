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
        'Text of an alert of a message event that only its user can read (OMEMO, OpenPGP), in place of what it says to ' +
        'clients that cannot.',
      reload: true,
    }),
    invitation_body: text('Invitation to a group chat', {
      description: 'Text of an alert of a message event that invites to a room, and has no text of its own.',
      reload: true,
    }),
    language: text('', {
      description:
        'Of a message event with several texts the one in this language is pushed; empty, or where there is none: the first.',
      allowed: 'a language tag, such as de or pt-BR, or nothing',
      format: 'language',
      reload: true,
    }),
    sender: choice('', ['', 'full', 'bare'], {
      description:
        'How the address of a sender is shown. full: as it came, which may have the name of a device; bare: without that. ' +
        'Whoever writes in a room is shown with the nick in any case. Empty: bare for message events, full for publishes. ' +
        'A publish does not say that it comes of a room: the name of the host is taken for that (conference, muc …).',
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
