// The answer format of every call: an envelope with `data` and `timestamp`, or with `error` and its code.
// Pure; the client and the upload transfer both read answers through it.

export interface Answer<T> {
  data: T
  /** Milliseconds since the epoch, and the token that later `updates` and writes name. 0 when the answer had none. */
  timestamp: number
}

interface Envelope {
  data?: unknown
  timestamp?: number
  error?: string
  error_params?: unknown[]
  error_id?: string
  code?: string
}

/** A refused or failed call. `code` is the server's ("FLD-0003"), or "HTTP-502", or "NETWORK". */
export class ApiError extends Error {
  readonly code: string
  /** What an operator finds in the log. */
  readonly id: string
  readonly status: number

  constructor(message: string, code: string, id = '', status = 200) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.id = id
    this.status = status
  }

  /** The server looked at the call and said no; otherwise it could not be asked. */
  get isRefusal(): boolean {
    return this.status === 200
  }

  /** Worth sending again unchanged: the web tier found no node, or the node could not answer just now. */
  get isTransient(): boolean {
    return this.status === 502 || this.status === 503
  }
}

/** Reads an answer. Throws `ApiError` for an error envelope and for anything that is no envelope. */
export function readAnswer<T>(status: number, text: string): Answer<T> {
  const body = parse(text)
  if (body === undefined || Array.isArray(body)) {
    throw new ApiError(`The server answered with HTTP ${status}.`, `HTTP-${status}`, '', status)
  }
  if (typeof body.error === 'string') {
    throw new ApiError(fillIn(body.error, body.error_params ?? []), body.code ?? '', body.error_id, status)
  }
  if (status >= 400) throw new ApiError(`The server answered with HTTP ${status}.`, `HTTP-${status}`, '', status)
  // Login answers are bare objects: there the whole body is the data.
  const data = 'data' in body ? body.data : body
  return { data: data as T, timestamp: body.timestamp ?? 0 }
}

/** Whether a code means that this session is over (SES-0201 … SES-0206). */
export function isSessionOver(code: string): boolean {
  return code.startsWith('SES-02')
}

/** Whether a code means that the folder is not ours to see any more: withdrawn, deleted, or not part of the account. */
export function isOutOfSight(code: string): boolean {
  return ['FLD-0002', 'FLD-0003', 'FLD-0004', 'FLD-0008', 'IFO-0400'].includes(code)
}

/** What asking for changes since a timestamp says: whether there are any. One that the server does not know any more means yes. */
export async function anyChange(ask: () => Promise<Answer<unknown[]>>): Promise<boolean> {
  try {
    return (await ask()).data.length > 0
  } catch (error) {
    if (error instanceof ApiError && error.code === 'SVL-0019') return true
    throw error
  }
}

function parse(text: string): Envelope | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? (body as Envelope) : undefined
  } catch {
    return undefined
  }
}

/** Texts may carry `%s` or `%1$s` where the parameters belong. */
function fillIn(text: string, params: unknown[]): string {
  let next = 0
  return text.replace(/%(?:(\d+)\$)?s/g, (placeholder, position?: string) => {
    const value = params[position ? Number(position) - 1 : next++]
    return value === undefined ? placeholder : String(value)
  })
}
