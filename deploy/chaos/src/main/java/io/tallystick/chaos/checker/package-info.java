/**
 * The independent checker: its own log of what was acknowledged, its own reading of the billing pull, its own arithmetic.
 *
 * <p>Knows nothing of how agent and aggregator work: of this project it uses nothing, which {@code CheckerRulesTest}
 * holds, and of the wire only what {@code docs/protocol.md} says about {@code GET /v1/billing/usage} as CSV.
 */
@NullMarked
package io.tallystick.chaos.checker;

import org.jspecify.annotations.NullMarked;
