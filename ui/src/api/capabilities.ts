// What this user may use; decides which pages there are.
import { get } from './client'

export async function capabilities(): Promise<Set<string>> {
  const answer = await get<{ id: string }[]>('capabilities', 'all')
  return new Set(answer.data.map((capability) => capability.id))
}
