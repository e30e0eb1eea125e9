// Who is signed in. Kept in memory and in sessionStorage, so that a reload goes on; the cookies are the server's business.
import { type Allowed, allowed, capabilities, nothingAllowed } from '../api/capabilities'
import { connection } from '../api/client'
import { person, type Person } from '../api/directory'
import { ApiError } from '../api/envelope'
import { autologin, login, type LoginAnswer, logout, storeLogin } from '../api/login'

export interface Session {
  token: string
  userId: number
  userName: string
}

const storageKey = 'zebu.session'

class SessionStore {
  phase = $state<'starting' | 'unreachable' | 'signedOut' | 'signedIn'>('starting')
  current = $state.raw<Session | null>(null)
  me = $state.raw<Person | null>(null)
  /** What there is for this user: see the capabilities. */
  may = $state.raw<Allowed>(nothingAllowed)
  /** The server ended the session, not the user: the login page says so and leads back. */
  ended = $state(false)
  /** Told when a session ends, before the page changes. */
  #endings: (() => void)[] = []
  #lastUser = 0

  /** Goes on with this tab's session, or with one that a cookie remembers. */
  async start(): Promise<void> {
    connection.sessionOver = () => {
      // While starting, the steps below see the error themselves.
      if (this.phase === 'signedIn') this.#end(true)
    }
    this.phase = 'starting'
    const kept = readKept()
    try {
      if (!kept || !(await this.#goOn(kept))) await this.#open(await autologin())
    } catch (error) {
      // A server that does not answer says nothing about the session: it is kept for the next try.
      if (error instanceof ApiError && error.isRefusal) this.#end(kept !== null)
      else this.phase = 'unreachable'
    }
  }

  /** Answers whether it is the same user as before, whose place is still of use. */
  async signIn(name: string, password: string, keep: boolean, code: string): Promise<boolean> {
    const before = this.#lastUser
    const answer = await login(name, password, keep, code)
    connection.token = answer.session
    if (keep) await storeLogin()
    await this.#open(answer)
    return before === 0 || before === answer.user_id
  }

  async signOut(): Promise<void> {
    await logout()
    this.#end(false)
  }

  onEnd(told: () => void): void {
    this.#endings.push(told)
  }

  get userId(): number {
    return this.current?.userId ?? 0
  }

  /** Answers false if that session is over. */
  async #goOn(kept: Session): Promise<boolean> {
    this.#use(kept)
    try {
      await this.#learn()
      return true
    } catch (error) {
      if (error instanceof ApiError && error.isRefusal) return false
      throw error
    }
  }

  async #open(answer: LoginAnswer): Promise<void> {
    this.#use({ token: answer.session, userId: answer.user_id, userName: answer.user })
    await this.#learn()
  }

  #use(session: Session): void {
    connection.token = session.token
    this.#lastUser = session.userId
    this.current = session
    try {
      sessionStorage.setItem(storageKey, JSON.stringify(session))
    } catch {
      // Storage is blocked: the session lasts as long as the page.
    }
  }

  /** What the pages need to know of the user before they show. */
  async #learn(): Promise<void> {
    const [me, known] = await Promise.all([person(this.userId), capabilities()])
    this.me = me
    this.may = allowed(known)
    this.ended = false
    this.phase = 'signedIn'
  }

  #end(byServer: boolean): void {
    if (this.phase === 'signedIn') for (const told of this.#endings) told()
    connection.token = ''
    this.current = null
    this.me = null
    this.ended = byServer
    this.phase = 'signedOut'
    try {
      sessionStorage.removeItem(storageKey)
    } catch {
      // Nothing was kept.
    }
  }
}

function readKept(): Session | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(storageKey) ?? 'null')
    return kept as Session | null
  } catch {
    return null
  }
}

export const session = new SessionStore()
