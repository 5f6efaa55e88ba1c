/**
 * Changelogs for users: the text of each changeset, without commits. All packages share one version, so dependencies
 * are not listed.
 */
module.exports = {
  getReleaseLine: async ({ summary }) => `\n${summary.trim()}`,
  getDependencyReleaseLine: async () => ''
}
