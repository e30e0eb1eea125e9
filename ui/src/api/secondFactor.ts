// The user's second factor, and app passwords for programs that cannot ask for it.
import { get, put } from './client'

export interface SecondFactor {
  enabled: boolean
  since: number
  recoveryCodes: number
}

export interface Enrolment {
  secret: string
  uri: string
  qr: { size: number; path: string }
}

export interface AppPassword {
  UUID: string
  name: string
  scope: AppScope
  created: number
  lastLogin: number
}

export type AppScope = 'dav' | 'eas' | 'all'

export interface NewAppPassword {
  login: string
  password: string
}

export async function secondFactor(): Promise<SecondFactor> {
  return (await get<SecondFactor>('multifactor', 'get')).data
}

export async function beginSecondFactor(password: string): Promise<Enrolment> {
  return (await put<Enrolment>('multifactor', 'begin', { body: { password } })).data
}

/** Answers the recovery codes, which can never be read again. */
export async function confirmSecondFactor(code: string): Promise<string[]> {
  return (await put<{ recoveryCodes: string[] }>('multifactor', 'confirm', { body: { code } })).data.recoveryCodes
}

export async function renewRecoveryCodes(code: string): Promise<string[]> {
  return (await put<{ recoveryCodes: string[] }>('multifactor', 'recovery', { body: { code } })).data.recoveryCodes
}

export async function disableSecondFactor(code: string): Promise<void> {
  await put('multifactor', 'disable', { body: { code } })
}

export async function appPasswords(): Promise<AppPassword[]> {
  return (await get<AppPassword[]>('apppasswords', 'list')).data
}

export async function addAppPassword(appName: string, appScope: AppScope): Promise<NewAppPassword> {
  return (await put<NewAppPassword>('apppasswords', 'add', { body: { appName, appScope } })).data
}

export async function removeAppPassword(id: string): Promise<void> {
  await put('apppasswords', 'remove', { body: { passwordUUID: id } })
}
