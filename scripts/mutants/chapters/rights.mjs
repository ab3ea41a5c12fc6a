// SPEC.md section 8.

const room = 'src/engine/room.rs'
const refresh = 'lib/arrival/refresh.js'

/** @type {import('../../mutants.mjs').Mutant[]} */
export const rights = [
  {
    rule: 'AU1',
    file: 'lib/arrival/refresh.js',
    find: "permissions === 'readwrite' ? 'readwrite' : 'readonly'",
    replace: "permissions === 'readonly' ? 'readonly' : 'readwrite'",
    why: 'takes unknown permissions for all rights',
  },
  {
    rule: 'AU2',
    file: room,
    find: `            session.access = access;
            session.overruled`,
    replace: `            let _ = access;
            session.overruled`,
    why: 'never changes rights',
  },
  {
    rule: 'AU3',
    file: 'lib/arrival/refresh.js',
    find: `      await undefined
`,
    replace: '',
    why: 'asks about a token inside the call that brought it',
  },
  {
    rule: 'AU3',
    file: refresh,
    find: 'if (counts && metadata !== undefined) session.metadata = metadata',
    replace: 'if (counts) session.metadata = metadata',
    why: 'forgets metadata when a refresh gives none',
  },
  {
    rule: 'AU3',
    file: refresh,
    find: 'if (counts && metadata !== undefined) session.metadata = metadata',
    replace: '',
    why: 'keeps metadata whatever a refresh gives',
  },
  {
    rule: 'AU3',
    file: room,
    find: `            Input::TokenVerified { session, attempt, access } if self.awaits(session, attempt) => {
                self.grant(session, attempt, access);`,
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
    file: 'lib/arrival/refresh.js',
    find: '    run(engine.tokenRefused(number, attempt))',
    replace: "    engine.tokenVerified(number, attempt, 'readonly')",
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
    file: refresh,
    find: 'if (verify === undefined) return',
    replace: `if (verify === undefined) {
      this.#surroundings.run(this.#surroundings.engine.tokenRefused(session.number, attempt))
      return
    }`,
    why: 'refuses tokens that nobody can verify',
  },
  {
    rule: 'AU7',
    file: room,
    find: `            Frame::Unknown => {}
            Frame::Refused(ref refusal, message_id) =>`,
    replace: `            Frame::Unknown => {}
            Frame::Refused(..) if session.access == Access::ReadOnly => {}
            Frame::Refused(ref refusal, message_id) =>`,
    why: 'ignores malformed frames of readonly sessions',
  },
  {
    rule: 'AU7',
    file: room,
    find: '        if let Err(refusal) = self.check_frame(',
    replace: `        if session.access == Access::ReadOnly {
            return Ok(None);
        }
        if let Err(refusal) = self.check_frame(`,
    why: 'does not check the deltas of readonly sessions',
  },
  {
    rule: 'AU8',
    file: 'lib/arrival/connection.js',
    find: 'authorize({ roomId, clientId, token, request: undefined })',
    replace: 'authorize({ roomId, clientId, token, request })',
    why: 'hands the old request to authorize at a refresh',
  },
  {
    rule: 'AU8',
    file: refresh,
    find: 'onRefresh ?? hooks.tokenVerifier({ sessionId, clientId, token })',
    replace: 'hooks.tokenVerifier({ sessionId, clientId, token })',
    why: 'asks only the room’s handler about new tokens',
  },
  {
    rule: 'AU9',
    file: room,
    find: '            session.overruled = session.attempt;',
    replace: '',
    why: 'lets a refresh give back what was taken while it was under way',
  },
  {
    rule: 'AU9',
    file: room,
    find: '            session.overruled = session.attempt;',
    replace: '            session.overruled = session.attempt.wrapping_add(1);',
    why: 'overrules the refresh that is sent after rights were set',
  },
  {
    rule: 'AU9',
    file: room,
    find: `            session.access = access;
            session.overruled = session.attempt;`,
    replace: `            session.access = access;
            session.attempt = session.attempt.wrapping_add(1);`,
    why: 'ignores a refusal where rights were set meanwhile',
  },
  {
    rule: 'AU10',
    file: refresh,
    find: 'if (this.#isBusy) this.#waiting = refresh',
    replace: 'if (false) this.#waiting = refresh',
    why: 'verifies all tokens of a session at the same time',
  },
  {
    rule: 'AU10',
    file: refresh,
    find: 'if (this.#isBusy) this.#waiting = refresh',
    replace: 'if (this.#isBusy) this.#waiting ??= refresh',
    why: 'goes on with the first refresh that waited',
  },
  {
    rule: 'AU10',
    file: 'lib/sessions.js',
    find: '    this.refreshes?.stop()',
    replace: '',
    why: 'asks about tokens of sessions that have left',
  },
  {
    rule: 'AU11',
    file: refresh,
    find: '    timer.armUnreferenced(timeoutMs,',
    replace: '    timer.armUnreferenced(timeoutMs * 2,',
    why: 'waits twice as long for an answer',
  },
  {
    rule: 'AU11',
    file: refresh,
    find: '    if (isNoAnswer(error)) hooks.report(error, id)',
    replace: '    void [hooks, id, error]',
    why: 'does not tell that there was no answer',
  },
  {
    rule: 'AU11',
    file: refresh,
    find: `    if (this.#isOver) return
    this.#timer.clear()`,
    replace: '    if (this.#isOver) return',
    why: 'refuses what was granted, when the time is up',
  },
  {
    rule: 'AU12',
    file: refresh,
    find: '      (error) => this.#finish(() => this.#refuse(attempt, error)),',
    replace:
      '      (error) => setTimeout(() => this.#finish(() => this.#refuse(attempt, error)), 20),',
    why: 'closes a session some time after its refresh was refused',
  },
  {
    rule: 'AU13',
    file: refresh,
    find: "if (!isRecord(answer) || !('permissions' in answer)) {",
    replace: 'if (!isRecord(answer)) {',
    why: 'takes any object for an answer',
  },
  {
    rule: 'AU13',
    file: refresh,
    find: 'return { permissions: permissionOf(permissions), metadata }',
    replace: 'return { permissions: permissionOf(answer.permissions), metadata }',
    why: 'reads an answer twice',
  },
  {
    rule: ['AU14', 'PA3'],
    file: room,
    find: 'if session.access == Access::ReadOnly || (document.is_empty() && presence.is_empty()) {',
    replace: 'if document.is_empty() && presence.is_empty() {',
    why: 'lets everybody write',
  },
  {
    rule: 'AU14',
    file: room,
    find: 'if session.access == Access::ReadOnly || (document.is_empty() && presence.is_empty()) {',
    replace: `if (session.access == Access::ReadOnly && !document.is_empty())
            || (document.is_empty() && presence.is_empty())
        {`,
    why: 'takes presence of who may not write',
  },
  {
    rule: 'AU15',
    file: 'lib/arrival/connection.js',
    find: "throw new ConnectRequestError('The connect URL is no URL', 'invalid-url')",
    replace: "throw new ConnectRequestError('No URL: '.concat(url), 'invalid-url')",
    why: 'shows a URL that cannot be read, with the token in it',
  },
  {
    rule: 'AU15',
    file: refresh,
    find: 'session.refreshes.add({ attempt, callback, ask: () => verify(token) })',
    replace:
      'session.refreshes.add({ attempt, callback: callback + token, ask: () => verify(token) })',
    why: 'names the token in the report of a verification that gave no answer',
  },
  {
    rule: 'AU16',
    file: 'lib/arrival/secrets.js',
    find: 'return bytes.toString() === secret',
    replace: 'return bytes !== undefined',
    why: 'takes secrets for equal that differ in lone surrogates',
  },
  {
    rule: 'AU16',
    file: 'lib/arrival/secrets.js',
    find: "if (types.isUint8Array(secret)) return hash('bytes', secret)",
    replace: "if (types.isUint8Array(secret)) return hash('raw', secret)",
    why: 'takes no bytes for equal to a text',
  },
]
