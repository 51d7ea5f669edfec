/**
 * The pages of sellers, buyers and operators. Owns {@code portal_session}, the sessions, the forms' tokens, languages,
 * templates ({@code src/main/jte}) and what browsers are served. Does not own a rule of any feature: pages call the
 * services that REST calls, as the same {@link io.tallystick.aggregator.web.Caller}. Depends on all lower tiers.
 * Invariants: nothing is rendered unescaped; no page runs a script of its own text; each form posted proves that a page
 * of this browser's session made it.
 */
@NullMarked
package io.tallystick.aggregator.portal;

import org.jspecify.annotations.NullMarked;
