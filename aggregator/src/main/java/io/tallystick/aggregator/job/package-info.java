/**
 * Work to be done later, in the database, by whichever process takes it. Owns {@code job}. Does not know what a job does:
 * features write rows, others register as {@link io.tallystick.aggregator.job.Handler}. Depends on {@code db}. Invariants:
 * a job is held by one taker at a time, and a taker that lost it (its lease ran out, or it was paused) finds its fence
 * stale and changes nothing; what is asked for while it runs makes it run again.
 */
@NullMarked
package io.tallystick.aggregator.job;

import org.jspecify.annotations.NullMarked;
