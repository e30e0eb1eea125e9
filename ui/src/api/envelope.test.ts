// What comes out of answers, good and bad.
import { describe, expect, test } from 'vitest'
import { ApiError, isOutOfSight, isSessionOver, readAnswer } from './envelope'

const failure = (status: number, body: unknown): ApiError => {
  try {
    readAnswer(status, typeof body === 'string' ? body : JSON.stringify(body))
  } catch (error) {
    if (error instanceof ApiError) return error
  }
  throw new Error('the answer was taken for a success')
}

describe('the envelope', () => {
  test('data and timestamp come out', () => {
    expect(readAnswer(200, '{"data":[1],"timestamp":7}')).toEqual({ data: [1], timestamp: 7 })
  })

  test('a null as data is data', () => {
    expect(readAnswer(200, '{"data":null}').data).toBeNull()
  })

  test('a login answer has no envelope and is its own data', () => {
    expect(readAnswer<{ session: string }>(200, '{"session":"abc","user_id":3}').data.session).toBe('abc')
  })

  test('an error beats HTTP 200, with its parameters in the text', () => {
    const error = failure(200, { error: 'Folder %1$s in context %2$s', error_params: [12, 1], code: 'FLD-0003', error_id: 'x-1' })
    expect([error.message, error.code, error.id]).toEqual(['Folder 12 in context 1', 'FLD-0003', 'x-1'])
  })

  test('a placeholder without a parameter stays as it is', () => {
    expect(failure(200, { error: 'No %s', code: 'A-1' }).message).toBe('No %s')
  })

  test('a page of a proxy is an error with the status as its code', () => {
    const error = failure(502, '<html>Bad gateway</html>')
    expect([error.code, error.isTransient]).toEqual(['HTTP-502', true])
  })

  test('503 is worth a second try with an envelope too, 200 is not', () => {
    expect(failure(503, { error: 'busy', code: 'DB-1' }).isTransient).toBe(true)
    expect(failure(200, { error: 'no', code: 'IFO-0402' }).isTransient).toBe(false)
  })

  test('a refusal is an answer, a broken proxy is not', () => {
    expect(failure(200, { error: 'over', code: 'SES-0203' }).isRefusal).toBe(true)
    expect(failure(502, '').isRefusal).toBe(false)
  })

  test('codes are told apart', () => {
    expect(['SES-0201', 'SES-0203', 'SES-0206', 'LGI-0006'].map(isSessionOver)).toEqual([true, true, true, false])
    expect(['FLD-0002', 'FLD-0003', 'FLD-0004', 'IFO-0400', 'FLD-0012'].map(isOutOfSight)).toEqual([true, true, true, true, false])
  })
})
