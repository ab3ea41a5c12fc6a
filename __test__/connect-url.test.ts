import { describe, expect, it, vi } from 'vitest'
import { ConnectRequestError, parseConnectUrl } from '../index.js'

describe('parseConnectUrl', () => {
  const parsed = { roomId: 'r', clientId: 'c', token: 't' }

  it.each([
    '/?roomId=r&clientId=c&token=t',
    '?roomId=r&clientId=c&token=t',
    '/ws/path?token=t&clientId=c&roomId=r',
    'ws://localhost:8087/?roomId=r&clientId=c&token=t',
    'wss://user@example.com/deep/path?x=1&token=t&roomId=r&clientId=c#part',
    'http://[::1]/?clientId=c&roomId=r&token=t&more=',
  ])('[CC9] reads %s', (url) => {
    expect(parseConnectUrl(url)).toEqual(parsed)
  })

  it('[CC9] decodes', () => {
    expect(
      parseConnectUrl('/?roomId=a%2Fb%20c+d&clientId=%C3%A9%F0%9F%8E%A8&token=x%26y%3Dz%2B'),
    ).toEqual({ roomId: 'a/b c d', clientId: 'é🎨', token: 'x&y=z+' })
  })

  it('[CC9] takes the first of a repeated parameter', () => {
    expect(parseConnectUrl('/?roomId=r&roomId=other&clientId=c&token=t')).toEqual(parsed)
  })

  it.each([
    ['missing-room-id', '/?clientId=c&token=t'],
    ['missing-room-id', '/?roomId=&clientId=c&token=t'],
    ['missing-room-id', '/'],
    ['missing-room-id', ''],
    ['missing-client-id', '/?roomId=r&token=t'],
    ['missing-client-id', '/?roomId=r&clientid=c&token=t'],
    ['missing-token', '/?roomId=r&clientId=c'],
    ['missing-token', '/?roomId=r&clientId=c&token='],
    ['invalid-url', 'ws://'],
    ['invalid-url', 'http://[broken/?roomId=r&clientId=c&token=t'],
  ])('[CC9] throws %s for %j', (code, url) => {
    expect(() => parseConnectUrl(url)).toThrow(ConnectRequestError)
    expect(() => parseConnectUrl(url)).toThrow(
      expect.objectContaining({ name: 'ConnectRequestError', code }),
    )
  })

  it('[CC9] shows no token in its errors', () => {
    const thrown = vi.fn()
    try {
      parseConnectUrl('http://[broken/?roomId=r&clientId=c&token=sesame')
    } catch (error) {
      thrown(String(error), JSON.stringify(error), (error as Error).stack)
    }

    expect(thrown).toHaveBeenCalledOnce()
    expect(thrown.mock.calls.join()).not.toContain('sesame')
  })
})
