// The user's own sessions.
import { get, put } from './client'

export interface OwnSession {
  sessionId: string
  client: string
  userAgent: string
  ipAddress: string
  loginTime: number
  lastActive: number
  staySignedIn: boolean
  current: boolean
}

export async function ownSessions(): Promise<OwnSession[]> {
  return (await get<OwnSession[]>('sessionmanagement', 'all')).data
}

export async function endSession(id: string): Promise<void> {
  await put('sessionmanagement', 'delete', { body: [id] })
}

/** Ends all but this one; answers how many there were. */
export async function endOtherSessions(): Promise<number> {
  return (await get<number>('sessionmanagement', 'clear')).data
}
