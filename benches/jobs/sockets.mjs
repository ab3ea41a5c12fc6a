// Sockets that are nothing but `send` and `close`, so that only the room is measured.

export class FakeSocket {
  count = 0
  /** In UTF-16 units. */
  length = 0
  /** Where texts are kept while they are compared; `null` while time is taken. */
  kept = /** @type {string[] | null} */ (null)
  /** Called with each text, where a scenario waits for one. */
  onText = /** @type {((text: string) => void) | null} */ (null)

  /** @param {string} text */
  send(text) {
    this.count += 1
    this.length += text.length
    if (this.kept !== null) this.kept.push(text)
    if (this.onText !== null) this.onText(text)
  }

  close() {}
}
