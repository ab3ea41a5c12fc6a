// SPEC.md section 8.

const room = 'src/engine/room.rs'
const driver = 'lib/driver.js'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const rights = [
  {
    rule: 'AU1',
    file: 'lib/refresh.js',
    find: "permissions === 'readwrite' ? 'readwrite' : 'readonly'",
    replace: "permissions === 'readonly' ? 'readonly' : 'readwrite'",
    why: 'takes unknown permissions for all rights',
  },
  {
    rule: 'AU2',
    file: room,
    find: '            session.access = access;',
    replace: '            let _ = (session, access);',
    why: 'never changes rights',
  },
  {
    rule: 'AU3',
    file: 'lib/refresh.js',
    find: `    await undefined
`,
    replace: '',
    why: 'asks about a token inside the call that brought it',
  },
  {
    rule: 'AU3',
    file: driver,
    find: 'if (grant.metadata !== undefined) session.metadata = grant.metadata',
    replace: 'session.metadata = grant.metadata',
    why: 'forgets metadata when a refresh gives none',
  },
  {
    rule: 'AU3',
    file: driver,
    find: 'if (grant.metadata !== undefined) session.metadata = grant.metadata',
    replace: '',
    why: 'keeps metadata whatever a refresh gives',
  },
  {
    rule: 'AU3',
    file: room,
    find: `            Input::TokenVerified { session, attempt, access } if self.awaits(session, attempt) => {
                self.grant(session, access);`,
    replace: `            Input::TokenVerified { session, attempt, .. } if self.awaits(session, attempt) => {`,
    why: 'leaves the rights as they were before a refresh',
  },
  {
    rule: 'AU4',
    file: room,
    find: 'self.close(session, CloseReason::TokenRefused, effects);',
    replace: 'effects.push(Effect::Close(session, CloseReason::TokenRefused));',
    why: 'keeps a session whose refresh was refused',
  },
  {
    rule: 'AU4',
    file: room,
    find: 'self.close(session, CloseReason::TokenRefused, effects);',
    replace: 'self.leave(session, effects);',
    why: 'leaves the socket open whose refresh was refused',
  },
  {
    rule: 'AU4',
    file: 'lib/refresh.js',
    find: `    // To throw is how a token is refused; there is nothing to report.
    return undefined`,
    replace: "    return { permissions: 'readonly', metadata: undefined }",
    why: 'only takes rights away when a refresh throws',
  },
  {
    rule: ['AU5', 'D11'],
    file: room,
    find: '.is_some_and(|session| session.attempt == attempt)',
    replace: '.is_some_and(|session| session.attempt >= attempt)',
    why: 'lets every refresh decide',
  },
  {
    rule: 'AU6',
    file: driver,
    find: 'if (verify === undefined) return',
    replace: `if (verify === undefined) {
      this.#queue.run(this.#engine.tokenRefused(number, attempt))
      return
    }`,
    why: 'refuses tokens that nobody can verify',
  },
  {
    rule: 'AU7',
    file: room,
    find: `            Frame::Unknown => {}
            Frame::Refused(refusal, message_id) =>`,
    replace: `            Frame::Unknown => {}
            Frame::Refused(..) if session.access == Access::ReadOnly => {}
            Frame::Refused(refusal, message_id) =>`,
    why: 'ignores malformed frames of readonly sessions',
  },
  {
    rule: 'AU7',
    file: room,
    find: '        let checked = self',
    replace: `        if session.access == Access::ReadOnly {
            return Ok(None);
        }
        let checked = self`,
    why: 'does not check the deltas of readonly sessions',
  },
  {
    rule: 'AU8',
    file: 'lib/connection.js',
    find: 'authorize({ roomId, clientId, token, request: undefined })',
    replace: 'authorize({ roomId, clientId, token, request })',
    why: 'hands the old request to authorize at a refresh',
  },
  {
    rule: 'AU8',
    file: driver,
    find: 'session.onRefresh ?? this.#hooks.tokenVerifier({ sessionId, clientId, token })',
    replace: 'this.#hooks.tokenVerifier({ sessionId, clientId, token })',
    why: 'asks only the room’s handler about new tokens',
  },
]
