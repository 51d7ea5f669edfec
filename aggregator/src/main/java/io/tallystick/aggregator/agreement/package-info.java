/**
 * A buyer's subscriptions to products, and what is bought by the year under them. Owns {@code agreement}, {@code amendment} and
 * {@code agreement_item}. Does not own what an agreement entitles to (entitlement) or costs (billing). Depends on catalog, account,
 * audit, db, web. Invariants: at most one open agreement per product and account; an agreement holds from {@code acceptedAt}
 * (inclusive) to {@code endedAt} (exclusive); its amendments are numbered from 1 and their terms do not overlap.
 */
@NullMarked
package io.tallystick.aggregator.agreement;

import org.jspecify.annotations.NullMarked;
