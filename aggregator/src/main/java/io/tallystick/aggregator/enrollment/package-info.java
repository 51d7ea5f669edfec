/**
 * Owns the way from identity evidence to an enrollment: an instance, proved, bound to the agent's key; and {@code
 * vm_start}, what a VM was (type, image, region) from each of its starts on. Does not own what the instance may do
 * (entitlement) nor what it reports (usage).
 */
@NullMarked
package io.tallystick.aggregator.enrollment;

import org.jspecify.annotations.NullMarked;
