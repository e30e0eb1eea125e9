// What a user agent's line says, in words people know: "Firefox on Linux". Pure; a guess, and only for people.

const programs: [RegExp, string][] = [
  [/\bEdg(e|A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\b(Headless)?Chrom(e|ium)\/|\bCriOS\//, 'Chrome'],
  [/\bVersion\/.*\bSafari\//, 'Safari'],
]

const systems: [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'Mac'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
]

const find = (table: [RegExp, string][], line: string): string => table.find(([sign]) => sign.test(line))?.[1] ?? ''

/** `fallback`: the client's name, for programs that are no browser. */
export function deviceName(userAgent: string, fallback: string): string {
  const program = find(programs, userAgent) || userAgent.split(/[/ ]/)[0] || fallback
  const system = find(systems, userAgent)
  return system ? `${program} on ${system}` : program
}
