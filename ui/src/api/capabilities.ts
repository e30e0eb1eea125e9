// What this user may use; decides which pages and actions there are.
import { get } from './client'

export async function capabilities(): Promise<Set<string>> {
  const answer = await get<{ id: string }[]>('capabilities', 'all')
  return new Set(answer.data.map((capability) => capability.id))
}

/** What there is for a user. What is not there is not shown; the server would refuse it anyway. */
export interface Allowed {
  files: boolean
  /** Giving folders to others, and seeing those that others give. */
  sharing: boolean
  cluster: boolean
}

export const nothingAllowed: Allowed = { files: false, sharing: false, cluster: false }

export function allowed(known: ReadonlySet<string>): Allowed {
  return {
    files: known.has('infostore'),
    sharing: known.has('infostore') && known.has('read_create_shared_folders'),
    cluster: known.has('cluster'),
  }
}
