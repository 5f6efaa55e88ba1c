/// <reference types="vite/client" />

/** MobileSAM's file: see `build/mobile-sam.ts`. */
declare module 'virtual:mobile-sam' {
  export const url: string
  export const size: number
  export const sha256: string
}
