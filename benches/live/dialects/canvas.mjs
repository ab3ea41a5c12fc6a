// The canvas protocol: a patch carries the shape and the cursor of a tick together, and is acked.

/**
 * @param {string} roomId
 * @param {number} index
 * @returns {import('./dialect.mjs').Mover}
 */
export function canvasMover(roomId, index) {
  const clientId = `c${index}`
  const shape = `shape-${clientId}/Transform`
  const cursor = `cursor-${clientId}/Cursor`
  let sent = 0

  /** @param {number} x @param {{ _exists?: true }} creation */
  const patch = (x, creation) => {
    sent += 1
    return JSON.stringify({
      type: 'patch',
      messageId: `${clientId}-${sent}`,
      documentPatches: [{ [shape]: { ...creation, x, y: -sent } }],
      ephemeralPatches: [{ [cursor]: { ...creation, x, y: -sent } }],
    })
  }
  return {
    path: `/?${new URLSearchParams({ roomId, clientId, token: 'editor' })}`,
    greet: () => ['{"type":"reconnect","lastTimestamp":0,"protocolVersion":2}'],
    hear: (frame) => (JSON.parse(String(frame)).type === 'synced' ? undefined : []),
    create: (x) => [patch(x, { _exists: true })],
    move: (x) => [patch(x, {})],
    read(frame) {
      const { documentPatches, ephemeralPatches } = JSON.parse(String(frame))
      return { shapes: positions(documentPatches), cursors: positions(ephemeralPatches) }
    },
  }
}

/** @param {Record<string, { x?: number }>[]} patches */
function positions(patches = []) {
  return patches.flatMap((patch) => Object.values(patch).flatMap(({ x }) => x ?? []))
}
