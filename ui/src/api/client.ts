// One function for every call but uploads. It adds the session, reads the envelope, and tells the session when it is over.
import { type Answer, ApiError, isSessionOver, readAnswer } from './envelope'

export type Params = Record<string, string | number | boolean | undefined>

interface Call {
  params?: Params
  /** Sent as the JSON body of a PUT. */
  body?: unknown
  signal?: AbortSignal
}

/** Set by the session: its token, and what to do when the server says that it is over. */
export const connection = {
  token: '',
  sessionOver: (): void => {},
}

/** How long a read waits before its one repetition, when a node just went away. */
const readRetryMs = 400

export function get<T>(module: string, action: string, call: Call = {}): Promise<Answer<T>> {
  const once = () => send<T>(address(module, action, call.params), { method: 'GET', signal: call.signal })
  return once().catch(async (error: unknown) => {
    if (!(error instanceof ApiError && error.isTransient)) throw error
    await new Promise((resolve) => setTimeout(resolve, readRetryMs))
    return once()
  })
}

export function put<T>(module: string, action: string, call: Call = {}): Promise<Answer<T>> {
  return send<T>(address(module, action, call.params), {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
    body: JSON.stringify(call.body ?? {}),
    signal: call.signal,
  })
}

/** A form POST, for the login module. */
export function postForm<T>(module: string, action: string, form: Record<string, string>): Promise<Answer<T>> {
  return send<T>(address(module, action, {}), { method: 'POST', body: new URLSearchParams(form) })
}

/** The address of a call, with the session in it. */
export function address(module: string, action: string, params: Params = {}, path = ''): string {
  const query = new URLSearchParams({ action })
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) query.set(name, String(value))
  }
  if (connection.token) query.set('session', connection.token)
  return `/ajax/${module}${path}?${query}`
}

/**
 * Reads an answer and reports a session that is over, whoever made the request. `token` is the one the request went out
 * with: a late answer to an earlier session must not end the present one.
 */
export function readAndWatch<T>(status: number, text: string, token: string): Answer<T> {
  try {
    return readAnswer<T>(status, text)
  } catch (error) {
    if (error instanceof ApiError && isSessionOver(error.code) && token === connection.token) connection.sessionOver()
    throw error
  }
}

async function send<T>(url: string, init: RequestInit): Promise<Answer<T>> {
  const token = connection.token
  let response: Response
  let text: string
  try {
    response = await fetch(url, { ...init, cache: 'no-store' })
    text = await response.text()
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError('The server cannot be reached.', 'NETWORK', '', 0)
  }
  return readAndWatch<T>(response.status, text, token)
}
