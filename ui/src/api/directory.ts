// Users and groups of the context: names for ids, and the search of the share dialog.
import { get, put } from './client'
import { columnList, type ColumnTable, readRow } from './columns'

export interface Person {
  id: number
  name: string
  email: string
}

export interface Group {
  id: number
  name: string
  membersCount: number
}

const columns: ColumnTable = [
  [1, 'id'],
  [500, 'display_name'],
  [501, 'first_name'],
  [502, 'last_name'],
  [555, 'email1'],
]

export async function person(id: number): Promise<Person> {
  const answer = await get<Record<string, unknown>>('user', 'get', { params: { id } })
  return toPerson(answer.data)
}

export async function persons(ids: number[]): Promise<Person[]> {
  const answer = await put<unknown[][]>('user', 'list', { params: { columns: columnList(columns) }, body: ids })
  return answer.data.map((row) => toPerson(readRow(columns, row)))
}

export async function searchPersons(text: string, signal?: AbortSignal): Promise<Person[]> {
  const call = { params: { columns: columnList(columns) }, body: { pattern: pattern(text) }, signal }
  const answer = await put<unknown[][]>('user', 'search', call)
  return answer.data.map((row) => toPerson(readRow(columns, row)))
}

export async function groups(): Promise<Group[]> {
  const answer = await get<Record<string, unknown>[]>('group', 'all')
  return answer.data.map(toGroup)
}

export async function searchGroups(text: string, signal?: AbortSignal): Promise<Group[]> {
  const answer = await put<Record<string, unknown>[]>('group', 'search', { body: { pattern: pattern(text) }, signal })
  return answer.data.map(toGroup)
}

/** Everything that begins with the text; a star of the user's own is no wildcard of ours. */
function pattern(text: string): string {
  return `${text.replaceAll('*', '').trim()}*`
}

function toPerson(raw: Record<string, unknown>): Person {
  const full = [raw.first_name, raw.last_name].filter(Boolean).join(' ')
  return {
    id: Number(raw.id ?? raw.user_id),
    name: String(raw.display_name || full || raw.email1 || raw.id),
    email: String(raw.email1 ?? ''),
  }
}

function toGroup(raw: Record<string, unknown>): Group {
  return {
    id: Number(raw.id),
    name: String(raw.display_name || raw.name || raw.id),
    membersCount: Array.isArray(raw.members) ? raw.members.length : 0,
  }
}
