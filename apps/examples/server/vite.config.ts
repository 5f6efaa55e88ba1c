import { defineConfig } from 'vite'

export default defineConfig({ publicDir: '../../cli/assets' }) // has coffee.jpg
