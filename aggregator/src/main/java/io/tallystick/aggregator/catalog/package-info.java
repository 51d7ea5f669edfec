/**
 * Products, their versions and dimensions, their visibility, the queue of requests to change it, and who may see a limited
 * one. Owns {@code product}, {@code product_version}, {@code dimension}, {@code visibility_grant}, {@code review}, {@code
 * change_lock}. Does not
 * own who has subscribed (agreement) or may launch (entitlement), nor how a version gets published (lifecycle). Depends on
 * account, audit, image, db, web. Invariants: product codes are unique for ever; a dimension is never removed or renamed;
 * visibility only moves along {@link io.tallystick.aggregator.catalog.Visibility#mayBecome}; a version's image never
 * changes once it is published.
 */
@NullMarked
package io.tallystick.aggregator.catalog;

import org.jspecify.annotations.NullMarked;
