// The kind of a file from its name and MIME type: decides its icon and whether a preview is safe. Pure.

export type FileKind = 'image' | 'video' | 'audio' | 'text' | 'sheet' | 'slides' | 'archive' | 'code' | 'pdf' | 'mail' | 'other'

const byExtension: Record<string, FileKind> = {}
const register = (kind: FileKind, extensions: string): void => {
  for (const extension of extensions.split(' ')) byExtension[extension] = kind
}
register('image', 'png jpg jpeg gif webp avif svg heic tif tiff bmp')
register('video', 'mp4 mov mkv webm avi')
register('audio', 'mp3 wav flac ogg m4a opus')
register('text', 'txt md doc docx odt rtf pages')
register('sheet', 'xls xlsx ods csv numbers')
register('slides', 'ppt pptx odp key')
register('archive', 'zip gz tgz tar xz zst bz2 7z rar')
register('code', 'js ts json xml yaml yml toml html css rs py sh c h cpp java go sql')
register('pdf', 'pdf')
register('mail', 'eml msg')

export function kindOf(name: string, mime: string): FileKind {
  const extension = name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : ''
  const known = byExtension[extension]
  if (known) return known
  const [main] = mime.split('/')
  if (main === 'image' || main === 'video' || main === 'audio' || main === 'text') return main
  return 'other'
}

/** Raster images that every browser shows and that cannot carry script. */
const previewTypes = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])
/** A larger picture is for downloading, not for a drawer. */
const previewBytesMax = 20_000_000

export function hasPreview(mime: string, sizeBytes: number): boolean {
  return previewTypes.has(mime) && sizeBytes > 0 && sizeBytes <= previewBytesMax
}
