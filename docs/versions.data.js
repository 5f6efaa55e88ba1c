// The changelog of @sam/core, whose version all packages share, below what is not released yet (.changeset).
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createMarkdownRenderer } from 'vitepress'

const root = new URL('..', import.meta.url).pathname

export default {
  watch: ['../.changeset/*.md', '../packages/core/CHANGELOG.md'],
  async load() {
    const unreleased = readdirSync(`${root}.changeset`)
      .filter(name => name.endsWith('.md') && name !== 'README.md')
      .map(name => readFileSync(`${root}.changeset/${name}`, 'utf8').replace(/^---.*?^---\n/ms, ''))
    const changelog = `${root}packages/core/CHANGELOG.md`
    const released = existsSync(changelog) ? readFileSync(changelog, 'utf8').replace(/^# .*\n/, '') : ''
    const markdown = await createMarkdownRenderer(`${root}docs`)
    return markdown.render(
      unreleased.length ? `## Next version\n\n${unreleased.join('\n\n')}\n\n${released}` : released
    )
  }
}
