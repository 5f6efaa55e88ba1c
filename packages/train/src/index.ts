/**
 * `@sam/train`: training as the paper's Appendix A has it, on any backend.
 * @packageDocumentation
 */
export {}
