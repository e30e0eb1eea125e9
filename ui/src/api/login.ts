// The login module: opening, keeping and ending a session.
import { get, postForm } from './client'

export interface LoginAnswer {
  session: string
  user: string
  user_id: number
  context_id: number
  locale: string
}

const client = 'zebu-ui'
const version = '1'

/** `code`: of the second factor; empty if none was asked for. */
export async function login(name: string, password: string, keep: boolean, code = ''): Promise<LoginAnswer> {
  const form = { name, password, otp: code, client, version, staySignedIn: String(keep) }
  return (await postForm<LoginAnswer>('login', 'login', form)).data
}

/** Sets the cookie that lets `autologin` find this session again. */
export async function storeLogin(): Promise<void> {
  await get('login', 'store')
}

export async function autologin(): Promise<LoginAnswer> {
  return (await get<LoginAnswer>('login', 'autologin', { params: { client, version } })).data
}

export async function logout(): Promise<void> {
  await get('login', 'logout')
}
