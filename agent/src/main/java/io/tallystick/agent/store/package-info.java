/**
 * The one SQLite file of an agent, its folder and the one thread that writes it. Owns what a transaction is, what a
 * full or failing disk means, and pending sums; does not know what batches or leases mean.
 */
@NullMarked
package io.tallystick.agent.store;

import org.jspecify.annotations.NullMarked;
