// Sends one file. XMLHttpRequest and not fetch, because only it reports how much has been sent.
import { address, connection, readAndWatch } from '../api/client'
import { ApiError } from '../api/envelope'
import type { Job, Outcome } from './queue'

export function transfer(job: Job, onProgress: (sentBytes: number) => void, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest()
    const token = connection.token
    request.open('POST', target(job))
    request.upload.onprogress = (event) => onProgress(event.loaded)
    request.onload = () => resolve(outcome(request, token))
    // Also when a node dies with the request half read. Should the file have arrived all the same, the next try finds its
    // name taken, and asks.
    request.onerror = () => resolve({ kind: 'busy', error: new ApiError('The server cannot be reached.', 'NETWORK', '', 0) })
    request.onabort = () => resolve({ kind: 'cancelled' })
    signal.addEventListener('abort', () => request.abort())
    request.send(form(job))
  })
}

function target({ existing }: Job): string {
  if (!existing) return address('infostore', 'new', { plainJson: true })
  return address('infostore', 'update', { id: existing.id, timestamp: existing.timestamp, plainJson: true })
}

/** The `json` part goes first: the server streams the file to where that says. */
function form({ folder, name, file, existing }: Job): FormData {
  const fields = { folder_id: folder, filename: name, title: name }
  const parts = new FormData()
  parts.append('json', JSON.stringify(existing ? { ...fields, id: existing.id } : fields))
  parts.append('file', file, name)
  return parts
}

function outcome(request: XMLHttpRequest, token: string): Outcome {
  try {
    readAndWatch(request.status, request.responseText, token)
    return { kind: 'done' }
  } catch (error) {
    if (!(error instanceof ApiError)) return { kind: 'failed', error }
    if (error.isTransient) return { kind: 'busy', error }
    return error.code === 'IFO-0441' ? { kind: 'conflict' } : { kind: 'failed', error }
  }
}
