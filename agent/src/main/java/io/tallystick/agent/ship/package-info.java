/**
 * Batches: cutting them from pending sums, sending them in order, recording receipts, and the exchange after the
 * aggregator was found ahead. Does not decide entitlement.
 */
@NullMarked
package io.tallystick.agent.ship;

import org.jspecify.annotations.NullMarked;
