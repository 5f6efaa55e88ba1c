/**
 * The documentation site: `npm run docs` builds it into `docs/.vitepress/dist`, `npm run docs:dev` serves it while you
 * write. It loads nothing from other servers.
 */
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { defineConfig, type DefaultTheme, type MarkdownRenderer } from 'vitepress'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

const { repository } = JSON.parse(read('../packages/core/package.json')) as { repository: { url: string } }
const sources = repository.url.replace(/^git\+|\.git$/g, '')

const guide: DefaultTheme.SidebarItem[] = [
  { text: 'Getting started', link: '/getting-started' },
  { text: 'Install', link: '/install' },
  {
    text: 'Use',
    items: [
      { text: 'Prompts', link: '/prompts' },
      { text: 'Masks', link: '/masks' },
      { text: 'Automatic masks', link: '/automatic-masks' },
      { text: 'Text', link: '/text' },
      { text: 'Embeddings', link: '/embeddings' },
      { text: 'Checkpoints', link: '/checkpoints' },
      { text: 'Backends and speed', link: '/backends' },
      { text: 'Fine-tuning', link: '/fine-tuning' },
      { text: 'Annotator', link: '/annotator' },
      { text: 'Formats', link: '/formats' },
      { text: 'Deploying a page', link: '/deploying' }
    ]
  },
  {
    text: 'Move here',
    items: [
      { text: "From Meta's Python", link: '/from-python' },
      { text: 'From transformers.js', link: '/from-transformers-js' }
    ]
  },
  {
    text: 'Reference',
    items: [
      { text: 'API', link: '/api/' },
      { text: 'Versions', link: '/versions' },
      { text: 'Accuracy and performance', link: '/numbers' },
      { text: 'Architecture', link: '/architecture' },
      { text: 'Graph operations', link: '/ops' }
    ]
  }
]

const api = JSON.parse(read('api/typedoc-sidebar.json')) as DefaultTheme.SidebarItem[]

/** Links to files of the repository that are not pages of the site lead to the repository. */
function repositoryLinks(md: MarkdownRenderer): void {
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    const folder = posix.join('docs', posix.dirname((env as { relativePath?: string }).relativePath ?? ''))
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.attrGet('href')
      if (token.type !== 'link_open' || !href?.startsWith('.')) continue
      const path = posix.join(folder, href)
      if (!path.startsWith('docs/')) token.attrSet('href', `${sources}/blob/main/${path}`)
    }
  })
}

// VitePress reads the default export.
// eslint-disable-next-line no-restricted-syntax
export default defineConfig({
  title: 'Segment Anything in TypeScript',
  description: 'Cut any object out of a photo, in Node or in the browser.',
  lang: 'en',
  cleanUrls: true,
  srcExclude: ['package.json'],
  markdown: {
    config: repositoryLinks,
    languageAlias: { mjs: 'js' },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark' }
  },
  // The pages of @sam/core/graph and of the search index are large.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  themeConfig: {
    siteTitle: 'Segment Anything',
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/getting-started', activeMatch: '^/(?!api/)' },
      { text: 'API', link: '/api/' }
    ],
    sidebar: { '/': guide, '/api/': [{ text: 'API reference', link: '/api/', items: api }] },
    socialLinks: [{ icon: 'github', link: sources }],
    docFooter: { prev: 'Previous', next: 'Next' }
  }
})
