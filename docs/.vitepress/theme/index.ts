import Theme from 'vitepress/theme-without-fonts'
import './style.css'

// VitePress reads the default export.
// eslint-disable-next-line no-restricted-syntax
export default Theme
