/** What is to be done about a stanza; of the same shapes as the App Server's. */
export type XmppServerVerdict =
  /** A complete stanza: goes out now. */
  | { readonly kind: 'answer'; readonly stanza: string; readonly publish: undefined }
  /** Answered once the store has the change. Never rejects. */
  | { readonly kind: 'later'; readonly stanza: Promise<string> }
  /** It was for this role, and needs no answer. */
  | { readonly kind: 'taken' }
