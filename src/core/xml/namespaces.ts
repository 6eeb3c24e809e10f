/** What the prefix `xml` always stands for (Namespaces in XML 1.0 §3). */
export const xmlNs = 'http://www.w3.org/XML/1998/namespace'

/** What the prefix `xmlns` always stands for; no declaration may name it (Namespaces in XML 1.0 §3). */
export const xmlnsNs = 'http://www.w3.org/2000/xmlns/'

/** The namespace of a stream's root, of its errors and its features (RFC 6120 §4.8.1). */
export const streamNs = 'http://etherx.jabber.org/streams'
