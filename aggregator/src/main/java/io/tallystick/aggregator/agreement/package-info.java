/**
 * A buyer's subscriptions to products. Owns {@code agreement}. Does not own what an agreement entitles to (entitlement) or
 * costs (billing). Depends on catalog, account, audit, db, web. Invariant: at most one open agreement per product and
 * account; an agreement holds from {@code acceptedAt} (inclusive) to {@code endedAt} (exclusive).
 */
@NullMarked
package io.tallystick.aggregator.agreement;

import org.jspecify.annotations.NullMarked;
