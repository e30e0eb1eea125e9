// The rules of the queue, with a server that answers when the test says so.
import { describe, expect, test } from 'vitest'
import { attemptsMax, type Job, type Outcome, parallelMax, progressOf, UploadQueue } from './queue'

const file = (size: number): File => ({ size }) as File
const many = (count: number, size = 10): { folder: string; name: string; file: File }[] =>
  Array.from({ length: count }, (_, index) => ({ folder: '12', name: `f${index}`, file: file(size) }))

interface Call {
  job: Job
  progress: (sentBytes: number) => void
  signal: AbortSignal
  answer: (outcome: Outcome) => Promise<void>
}

/** A server that answers when the test says so. */
function world(): { queue: UploadQueue; calls: Call[]; pauses: number[] } {
  const calls: Call[] = []
  const pauses: number[] = []
  const queue = new UploadQueue({
    send: (job, progress, signal) =>
      new Promise((resolve) => {
        calls.push({
          job,
          progress,
          signal,
          answer: async (outcome) => {
            resolve(outcome)
            // Lets every promise that hangs on the answer run.
            for (let turn = 0; turn < 5; turn++) await Promise.resolve()
          },
        })
      }),
    pause: async (ms) => void pauses.push(ms),
    changed: () => {},
  })
  return { queue, calls, pauses }
}

const states = (queue: UploadQueue): string[] => queue.jobs.map((job) => job.state)

describe('the upload queue', () => {
  test('no more than three are sent at a time, in order', async () => {
    const { queue, calls } = world()
    queue.add(many(5))
    expect(calls.length).toBe(parallelMax)
    await calls[1]!.answer({ kind: 'done' })
    expect(calls.map((call) => call.job.name)).toEqual(['f0', 'f1', 'f2', 'f3'])
    expect(states(queue)).toEqual(['sending', 'done', 'sending', 'sending', 'waiting'])
  })

  test('cancelling a running one aborts it and lets the next one go', async () => {
    const { queue, calls } = world()
    queue.add(many(4))
    queue.cancel(queue.jobs[0]!.key)
    expect(calls[0]!.signal.aborted).toBe(true)
    await calls[0]!.answer({ kind: 'cancelled' })
    expect(states(queue)).toEqual(['cancelled', 'sending', 'sending', 'sending'])
  })

  test('a late success of a cancelled one stays cancelled', async () => {
    const { queue, calls } = world()
    queue.add(many(1))
    queue.cancel(queue.jobs[0]!.key)
    await calls[0]!.answer({ kind: 'done' })
    expect(states(queue)).toEqual(['cancelled'])
  })

  test('a waiting one that is cancelled is never sent', async () => {
    const { queue, calls } = world()
    queue.add(many(4))
    queue.cancel(queue.jobs[3]!.key)
    await calls[0]!.answer({ kind: 'done' })
    expect(calls.length).toBe(3)
  })

  test('cancelling all of them sends none of those that waited', async () => {
    const { queue, calls } = world()
    queue.add(many(5))
    queue.cancelAll()
    for (const call of calls) await call.answer({ kind: 'cancelled' })
    expect(calls.length).toBe(parallelMax)
    expect(new Set(states(queue))).toEqual(new Set(['cancelled']))
  })

  test('a busy server gets growing pauses and in the end the error is shown', async () => {
    const { queue, calls, pauses } = world()
    queue.add(many(1))
    for (let attempt = 0; attempt < attemptsMax; attempt++) await calls[attempt]!.answer({ kind: 'busy', error: 'gone' })
    expect(pauses).toEqual([1000, 2000, 4000, 8000])
    expect(queue.jobs[0]).toMatchObject({ state: 'failed', error: 'gone', attempts: attemptsMax })
  })

  test('a server that comes back within the pauses is not noticed', async () => {
    const { queue, calls } = world()
    queue.add(many(1))
    await calls[0]!.answer({ kind: 'busy', error: 'gone' })
    await calls[1]!.answer({ kind: 'done' })
    expect(states(queue)).toEqual(['done'])
  })

  test('a refusal is not repeated until asked for', async () => {
    const { queue, calls } = world()
    queue.add(many(1))
    await calls[0]!.answer({ kind: 'failed', error: 'quota' })
    expect([calls.length, states(queue)]).toEqual([1, ['failed']])
    queue.retry(queue.jobs[0]!.key)
    expect(states(queue)).toEqual(['sending'])
  })

  test('a taken name stops its job and holds up nobody else', async () => {
    const { queue, calls } = world()
    queue.add(many(4))
    await calls[0]!.answer({ kind: 'conflict' })
    expect(states(queue)).toEqual(['conflict', 'sending', 'sending', 'sending'])
  })

  test.each([
    ['a new version', { existing: { id: '7', timestamp: 5 } }, { name: 'f0', existing: { id: '7', timestamp: 5 } }],
    ['another name', { name: 'f0 (2)' }, { name: 'f0 (2)', existing: null }],
  ])('a conflict answered with %s is sent that way', (_what, answer, sent) => {
    const { queue, calls } = world()
    queue.add([{ ...many(1)[0]!, conflict: true }])
    expect(calls.length).toBe(0)
    queue.resolve(queue.jobs[0]!.key, answer)
    expect(calls[0]!.job).toMatchObject(sent)
  })

  test('a skipped conflict is over without a request', () => {
    const { queue, calls } = world()
    queue.add([{ ...many(1)[0]!, conflict: true }])
    queue.resolve(queue.jobs[0]!.key, 'skip')
    expect([calls.length, states(queue)]).toEqual([0, ['skipped']])
  })

  test('progress counts bytes and leaves out what was cancelled', () => {
    const { queue, calls } = world()
    queue.add(many(3, 100))
    calls[0]!.progress(40)
    // Multipart headers make the browser count more than the file.
    calls[1]!.progress(140)
    queue.cancel(queue.jobs[2]!.key)
    expect(progressOf(queue.jobs)).toEqual({ sentBytes: 140, totalBytes: 200, left: 2, done: 0, failed: 0 })
  })

  test('clearing keeps what still runs', async () => {
    const { queue, calls } = world()
    queue.add(many(2))
    await calls[0]!.answer({ kind: 'done' })
    queue.clear()
    expect(states(queue)).toEqual(['sending'])
  })
})
