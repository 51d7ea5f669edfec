/**
 * Products, their dimensions, their visibility and who may see a limited one. Owns {@code product}, {@code dimension},
 * {@code visibility_grant}. Does not own who has subscribed (agreement) or may launch (entitlement). Depends on account,
 * audit, db, web. Invariants: product codes are unique for ever; a dimension is never removed or renamed; visibility only
 * moves along {@link io.tallystick.aggregator.catalog.Visibility#mayBecome}.
 */
@NullMarked
package io.tallystick.aggregator.catalog;

import org.jspecify.annotations.NullMarked;
