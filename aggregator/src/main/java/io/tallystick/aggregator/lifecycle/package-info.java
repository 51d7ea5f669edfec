/**
 * Change sets: queued requests to publish, modify, restrict and unpublish versions, and the workers that carry them out at
 * the clouds; who may launch which copy. Owns {@code change_set}, {@code change}, {@code change_step},
 * {@code change_set_message}, {@code image_copy}, {@code image_share}. Does not own the versions themselves (catalog). Depends on agreement, catalog,
 * account, audit, image, job, notice, db, web. Invariants: a product is changed by one open change set at a time; a step's
 * token is stored before its effect is asked for, so a worker that died anywhere is followed by one that repeats at most
 * what may be repeated; every copy ever asked for has a row.
 */
@NullMarked
package io.tallystick.aggregator.lifecycle;

import org.jspecify.annotations.NullMarked;
